"""Where the classification template is meant to be edited, and how several techniques share these places.

The order of fields, augmentations and definitions is fixed here, so that techniques give the same code in whatever
order they are applied.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

import libcst as cst

from agents.playbook.draft import Draft
from agents.playbook.editing import (
    add_definition,
    add_field,
    default_of,
    has_expression,
    replace_expression,
    replace_statement,
    returned,
    set_default,
    set_returned,
)
from agents.playbook.syntax import SeamMissing, class_in, code_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

RECIPE, DATA, MODEL, LOSS = "recipe.py", "data.py", "model.py", "loss.py"
TRAIN, PREDICT, FUSION = "train.py", "predict.py", "fusion.py"

FIELDS = (
    *("backbone", "pretrained", "go_on", "members", "dropout", "drop_path", "input_dropout"),
    *(
        "image_size",
        "first_size",
        "batch_size",
        "sampling_power",
        "augment_strength",
        "largest_turn",
        "smallest_zoom",
        "colour_jitter",
        "erased_part",
        "mixup_alpha",
        "cutmix_alpha",
    ),
    *("epochs", "learning_rate", "layer_decay", "warm_up", "weight_decay", "ema_decay"),
    *("label_smoothing", "focal_gamma", "gamma_true", "gamma_others", "logit_adjustment", "largest_margin"),
    *("weight_power", "class_costs", "cost_power", "detail_weight", "mask_weight"),
)
"""Order of the recipe's fields, as in the template with ours sorted in."""
AUGMENTATIONS = (
    *("random_flips_and_turns", "random_mirror", "trivial_augment", "evaluation_transform"),
    *("random_zoom", "jitter_colours", "erase_rectangles"),
)
"""Order in which augmentations are applied: on bytes, then on normalised floats."""
GEOMETRIC = frozenset({"random_flips_and_turns", "random_mirror", "trivial_augment", "random_zoom"})
"""Those that move what a picture shows, and so its mask too; all others are kept away from masks."""
LOSS_DEFINITIONS = ("build_loss", "FocalLoss", "LogitAdjusted", "WithMargins", "class_weights", "cost_weights")
TRAINING_DEFINITIONS = ("batch_loss", "paste_boxes", "grow", "climb")
_DATA_DEFINITIONS = (
    "evaluation_transform",
    "on_colours",
    *(name for name in AUGMENTATIONS if name != "evaluation_transform"),
)


def recipe_value(files: Mapping[str, str], field: str) -> Any:
    """Return the value of a recipe's field; None where the recipe has no such field or cannot be read."""
    try:
        return default_of(files.get(RECIPE, ""), "Recipe", field)
    except SeamMissing:
        return None


def recipe_values(files: Mapping[str, str]) -> dict[str, Any]:
    """Return all plain values of a recipe, by field; none where it cannot be read."""
    try:
        fields = class_in(files.get(RECIPE, ""), "Recipe").body
    except SeamMissing:
        return {}
    names = [ast.unparse(item.target) for item in fields if isinstance(item, ast.AnnAssign)]
    return {name: recipe_value(files, name) for name in names}


def set_field(draft: Draft, field: str, value: object, *, note: str = "") -> bool:
    """Set a field of the recipe, adding it with its note where it is new; return whether it was new.

    Raises:
        SeamMissing: The recipe has no such field, and there is no note to add it with.
    """
    if default_of(draft[RECIPE], "Recipe", field) is not None:
        draft.change(RECIPE, set_default, "Recipe", field, value)
        return False
    if not note:
        raise SeamMissing(f"the recipe has no {field}")
    before = FIELDS[: FIELDS.index(field)]
    draft.change(
        RECIPE, add_field, "Recipe", field, annotation=type(value).__name__, value=value, note=note, after=before
    )
    return True


def must_lack(draft: Draft, *fields: str, why: str = "serves the same end") -> None:
    """Stop an edit that would do over again what the code does in another way, or break it.

    Raises:
        SeamMissing: The recipe has one of these fields.
    """
    for field in fields:
        if default_of(draft[RECIPE], "Recipe", field) is not None:
            raise SeamMissing(f"the recipe has {field}, which {why}")


def add_augmentation(draft: Draft, name: str, call: str, definition: str) -> None:
    """Make training pass its batches through one more function; nothing changes if it does already.

    Args:
        draft: The codebase.
        name: The function, one of `AUGMENTATIONS`.
        call: What is put into the list of transforms: the function, or it with settings bound.
        definition: Its code.

    Raises:
        SeamMissing: `train_transform` is no longer a list of transforms.
    """
    written = returned(draft[DATA], "train_transform")
    steps = _transforms(written)
    if name not in [_function_of(step) for step in steps]:
        steps = sorted([*steps, _beside_masks(draft, call)], key=_place_of)
        draft.change(DATA, set_returned, "train_transform", f"v2.Compose([{', '.join(steps)}])")
    draft.change(DATA, add_definition, definition, after=_DATA_DEFINITIONS[: _DATA_DEFINITIONS.index(name)])


_ON_COLOURS = '''
def on_colours(step: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Return a step that changes the colours of a batch (B, 4, S, S) and leaves its fourth channel, the mask, alone."""
    return lambda images: torch.cat([step(images[:, :3]), images[:, 3:]], dim=1)
'''


def keep_masks_apart(draft: Draft) -> None:
    """Let batches bring a mask as a fourth channel, which moves with the picture and keeps its own values.

    Raises:
        SeamMissing: `train_transform` is no longer a list of transforms.
    """
    written = returned(draft[DATA], "train_transform")
    draft.change(DATA, add_definition, _ON_COLOURS, after=("evaluation_transform",))
    steps = [_beside_masks(draft, step) for step in _transforms(written)]
    listed = steps[0] if written == _transforms(written)[0] else f"v2.Compose([{', '.join(steps)}])"
    draft.change(DATA, set_returned, "train_transform", listed)


def _beside_masks(draft: Draft, step: str) -> str:
    """Return a transform as it is written where batches may bring masks."""
    has_masks = "\ndef on_colours(" in draft[DATA]
    return f"on_colours({step})" if has_masks and _function_of(step) not in GEOMETRIC else step


def change_loss(draft: Draft, change: Callable[[str], str]) -> None:
    """Change the expression that `build_loss` returns."""
    draft.change(LOSS, set_returned, "build_loss", change(returned(draft[LOSS], "build_loss")))
    # The docstring of the template says that the plain loss has no use for the recipe.
    untrue, true = "recipe: Not used by the plain cross entropy.", "recipe: Holds the settings of the loss."
    draft.change(LOSS, str.replace, untrue, true)


def define_for_loss(draft: Draft, name: str, definition: str) -> None:
    """Add one of `LOSS_DEFINITIONS` to the file of the loss."""
    draft.change(LOSS, add_definition, definition, after=LOSS_DEFINITIONS[: LOSS_DEFINITIONS.index(name)])


def define_for_training(draft: Draft, name: str, definition: str) -> None:
    """Add one of `TRAINING_DEFINITIONS` to the file that trains."""
    draft.change(TRAIN, add_definition, definition, after=TRAINING_DEFINITIONS[: TRAINING_DEFINITIONS.index(name)])


def decode_through(draft: Draft, name: str, definition: str) -> None:
    """Pass every decoded picture (S, S, 3) through one more function, in training and in prediction alike.

    The cache of decoded images goes by the code that decodes, so the function joins what its key is made of.

    Raises:
        SeamMissing: Pictures pass through another function already.
    """
    plain, functions = "np.asarray(resized)", "(decode_image, to_rgb)"
    if has_expression(draft[DATA], "decode_image", f"{name}({plain})"):
        return
    decoded = f"return {plain}.transpose(2, 0, 1)"
    draft.change(DATA, replace_statement, "decode_image", decoded, decoded.replace(plain, f"{name}({plain})"))
    draft.change(DATA, replace_expression, "decode_once", functions, f"(decode_image, to_rgb, {name})")
    draft.change(DATA, add_definition, definition, after=("decode_image",))


def _transforms(expression: str) -> list[str]:
    """Return the elements of `v2.Compose([...])` as written; a bare transform is its own only element."""
    node: Any = cst.parse_expression(expression)
    if not (isinstance(node, cst.Call) and code_of(node.func) == "v2.Compose"):
        return [expression]
    inner = node.args[0].value
    if len(node.args) != 1 or not isinstance(inner, cst.List):
        raise SeamMissing("train_transform composes something else than a list")
    return [code_of(element.value) for element in inner.elements]


def _function_of(step: str) -> str:
    """Return the function that a transform calls: `zoom` for `zoom`, `zoom(recipe)` and `partial(zoom, least=0.8)`."""
    node: Any = cst.parse_expression(step)
    if isinstance(node, cst.Call) and code_of(node.func) == "on_colours" and node.args:
        node = node.args[0].value
    if isinstance(node, cst.Call):
        node = node.args[0].value if code_of(node.func) == "partial" and node.args else node.func
    return code_of(node)


def _place_of(step: str) -> int:
    """Return where a transform belongs; one that we do not know stays with the plain transform."""
    name = _function_of(step)
    return AUGMENTATIONS.index(name if name in AUGMENTATIONS else "evaluation_transform")
