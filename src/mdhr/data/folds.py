"""Test subjects of the three folds of BP4D and DISFA that published results use.

The training subjects of a fold are the test subjects of the other two. Source: the lists of the released code.
"""


def _subjects(names: str) -> tuple[str, ...]:
    return tuple(names.split())


BP4D_FOLDS: dict[int, tuple[str, ...]] = {
    1: _subjects("F007 F015 F006 F019 M006 M009 F012 M003 F004 F021 F017 M015 F014"),
    2: _subjects("M011 F003 M010 M002 F005 F022 M018 M017 F013 M016 F020 F011 M013 M005"),
    3: _subjects("F001 M007 F018 F008 F002 M004 F010 F009 M012 M001 F016 M014 F023 M008"),
}

DISFA_FOLDS: dict[int, tuple[str, ...]] = {
    1: _subjects("SN003 SN029 SN023 SN025 SN008 SN005 SN007 SN017 SN004"),
    2: _subjects("SN013 SN018 SN011 SN028 SN012 SN006 SN031 SN021 SN024"),
    3: _subjects("SN002 SN010 SN001 SN026 SN027 SN032 SN030 SN009 SN016"),
}
