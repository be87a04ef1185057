"""Hypothesis strategies for damaged and hostile files: mutated documents and bytes."""

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

CANARY = "canary"
"""File that code from a file would create in the working directory."""
CALLS: list[dict[str, Any]] = [
    {"_target_": "os.system", "_args_": [f"touch {CANARY}"]},
    {"_target_": "pathlib.Path.touch", "_args_": [{"_target_": "pathlib.Path", "_args_": [CANARY]}]},
    {"_target_": "subprocess.run", "args": ["touch", CANARY]},
    {
        "_target_": "jinja2.Template.render",
        "_args_": [
            {
                "_target_": "jinja2.Template",
                "source": f"{{{{ cycler.__init__.__globals__.os.popen('touch {CANARY}').read() }}}}",
            }
        ],
    },
    {"_target_": "numpy.load", "file": "hostile.npy", "allow_pickle": True},
    {"_target_": "pandas.read_pickle", "filepath_or_buffer": "hostile.pickle"},
    {"_target_": "joblib.load", "filename": "hostile.pickle"},
    {"_target_": "torch.load", "f": "hostile.pickle", "weights_only": False},
    {"_target_": "torch.hub.load", "repo_or_dir": "hub", "model": "hostile", "source": "local"},
    {"_target_": "hydra.utils.get_method", "path": "os.system"},
    {"_target_": "builtins.exec", "_args_": [f"open('{CANARY}', 'w')"]},
]
"""Nodes that Hydra's ``instantiate`` would call. :func:`write_hostile_files` writes the files that they name."""
RESOLVERS = ("${oc.env:HOME}", "${hydra:runtime.cwd}", "${run_canary:}", "${oc.create:{_target_: os.system}}")

NUMBERS = st.one_of(
    st.integers(-5, 5),
    st.sampled_from([10**6, 10**9, 2**31, 2**63, -(2**63) - 1, 10**30, 10**400, -(10**9)]),
    st.floats(),
)
TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            "",
            "\0",
            "a\nb\r\u2028c",
            "\x1b[31mred",
            "../../..",
            "/dev/zero",
            "9" * 5000,
            "x" * 100_000,
            "nan",
            *RESOLVERS,
        ]
    ),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS, st.sampled_from(CALLS).map(copy.deepcopy)),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.one_of(TEXTS, st.integers(-3, 3)), inner, max_size=3)
    ),
    max_leaves=6,
)
"""Values of every type that a YAML file may contain."""


@st.composite
def documents(draw: st.DrawFn, document: Any) -> Any:
    """Return a copy of a document of mappings and lists with one to three changes."""
    changed = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(changed))
        if not places:
            break
        parent, key = draw(st.sampled_from(places))
        change = draw(st.sampled_from(["replace", "replace", "delete", "rename", "nest"]))
        if change == "replace":
            parent[key] = draw(VALUES)
        elif change == "nest":
            parent[key] = draw(st.sampled_from([[parent[key]], {"_target_": parent[key]}, {key: parent[key]}]))
        elif change == "rename" and isinstance(parent, dict):
            parent[draw(TEXTS)] = parent.pop(key)
        else:
            del parent[key]
    return draw(VALUES) if draw(st.integers(0, 19)) == 0 else changed


class Content(bytes):
    """Bytes with a short representation, for readable messages of failed tests."""

    def __repr__(self) -> str:
        return f"<{len(self)} bytes: {self[:40]!r}...>"


def contents(content: bytes) -> st.SearchStrategy[Content]:
    """Return file content with flipped, removed or added bytes, or only its start."""
    return _changed_bytes(content).map(Content)


@st.composite
def _changed_bytes(draw: st.DrawFn, content: bytes) -> bytes:
    position = draw(st.integers(0, max(len(content) - 1, 0)))
    change = draw(st.sampled_from(["flip", "cut", "remove", "insert", "repeat", "replace"]))
    if change == "cut":
        return content[:position]
    if change == "repeat":
        return content[:position] + content
    if change == "replace":
        return draw(st.binary(max_size=64))
    length = draw(st.integers(1, 16))
    middle = draw(st.binary(min_size=length, max_size=length))
    if change == "insert":
        return content[:position] + middle + content[position:]
    rest = content[position + length :]
    return content[:position] + rest if change == "remove" else content[:position] + middle + rest


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every container with each of its keys or indices."""
    if isinstance(node, dict | list):
        for key, value in list(node.items() if isinstance(node, dict) else enumerate(node)):
            yield node, key
            yield from _places(value)
