"""Everything a person can do, as one table: menus, toolbars, palette and shortcuts come from it.

A row names its handler; the shell (`annotator.ui.window.shell_handlers`), the view handlers and
the annotation controller supply functions by these names. A row whose handler nobody
supplies is shown disabled. Rows with `arguments` share one handler, which is called with
them; checkable rows (those with `checked_when`) that have no arguments get the new state.
"""

from collections.abc import Iterable
from dataclasses import dataclass

ASSET = frozenset({"asset"})
OBJECT = frozenset({"asset", "object"})
WRITABLE = frozenset({"asset", "writable"})
SCAN = frozenset({"asset", "kind_cloud"})
PHOTO = frozenset({"asset", "kind_image"})
PHOTO_MASKS = PHOTO | {"offers_masks"}
PIXELS = PHOTO_MASKS | {"writable", "object", "has_pixels"}
MASKS = frozenset({"asset", "offers_masks"})
REGIONS = frozenset({"asset", "kind_image", "offers_motion"})
POSES = PHOTO | {"offers_poses"}
PERSON = POSES | {"writable", "person"}
JOINT = PERSON | {"joint"}
KINDS = frozenset({"kind_cloud", "kind_image"})
"""Conditions that say what is open; rows that need another kind are not shown."""

OFFERS = frozenset({"offers_masks", "offers_poses", "offers_motion"})
"""Conditions that say for which tasks there are tools; rows for others are not shown."""


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One thing to do.

    Attributes:
        action_id: Stable name; shortcuts are stored by it.
        title: As shown in menus, without an accelerator mark.
        menu: Top-level menu; empty for rows that only palette and shortcuts reach.
        handler: Name of the function to call.
        shortcuts: Key sequences in Qt's portable text; "Num+1" is the keypad's 1.
        icon: Name in `annotator.ui.basics.icons`; empty for none.
        needs: Conditions that must all hold for the action to be enabled.
        arguments: What the handler is called with.
        checked_when: Condition that shows the action checked; empty if not checkable.
        group: Rows of a menu with the same group stand together between separators.
        toolbar: "main", "tools" or empty.
        tip: One sentence for tooltip and palette; empty if the title says it all.
        short: Word beside the icon in the main toolbar.
    """

    action_id: str
    title: str
    menu: str
    handler: str
    shortcuts: tuple[str, ...] = ()
    icon: str = ""
    needs: frozenset[str] = frozenset()
    arguments: tuple[object, ...] = ()
    checked_when: str = ""
    group: str = ""
    toolbar: str = ""
    tip: str = ""
    short: str = ""


MENUS = ("File", "Edit", "Object", "Tools", "Motion", "View", "Engine", "Help")

_FILE = (
    ActionSpec("open", "Open File or Project…", "File", "open_file", ("Ctrl+O",), "open",
               group="open", toolbar="main", tip="Open a scan, a photo or an annotation project."),
    ActionSpec("open_folder", "Open Folder…", "File", "open_folder", ("Ctrl+Shift+O",),
               "folder", group="open",
               tip="Open a folder of photos, or an S3DIS or ScanNet folder."),
    ActionSpec("save_copy", "Save Project Copy As…", "File", "save_copy", ("Ctrl+Shift+S",),
               "save", frozenset({"project"}), group="save",
               tip="Every click is saved at once already; this writes a second file."),
    ActionSpec("import_clicks", "Import Clicks…", "File", "import_clicks", (), "", WRITABLE | MASKS,
               group="export", tip="Add the clicks of a JSON file to this scan or photo."),
    ActionSpec("export", "Export Labels…", "File", "export_labels", ("Ctrl+E",), "export", MASKS,
               group="export", toolbar="main",
               tip="Write labels for every point of a scan or pixel of a photo."),
    ActionSpec("add_assets", "Add Files to Project…", "File", "add_assets", ("Ctrl+Shift+A",),
               "add", frozenset({"project", "writable"}), group="files",
               tip="Annotate several files in one project."),
    ActionSpec("next_asset", "Next File", "File", "next_asset", ("Shift+PgDown",), "next",
               frozenset({"several_assets"}), group="files", tip="Show the next file."),
    ActionSpec("previous_asset", "Previous File", "File", "previous_asset", ("Shift+PgUp",),
               "previous", frozenset({"several_assets"}), group="files"),
    ActionSpec("close", "Close Project", "File", "close_project", ("Ctrl+W",), "",
               frozenset({"project"}), group="end"),
    ActionSpec("quit", "Quit", "File", "quit", ("Ctrl+Q",), "", group="end"),
)  # fmt: skip

_EDIT = (
    ActionSpec("undo", "Undo", "Edit", "undo", ("Ctrl+Z",), "undo", frozenset({"can_undo"}),
               group="history", toolbar="main"),
    ActionSpec("redo", "Redo", "Edit", "redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "redo",
               frozenset({"can_redo"}), group="history", toolbar="main"),
    ActionSpec("delete_click", "Delete Selected Click", "Edit", "delete_click",
               ("Delete", "Backspace"), "delete", frozenset({"click_selected"}), group="clicks",
               tip="A right click on any marker deletes that click too."),
    ActionSpec("next_click", "Select Next Click", "Edit", "next_click", ("Ctrl+PgDown",), "", ASSET,
               group="clicks"),
    ActionSpec("previous_click", "Select Previous Click", "Edit", "previous_click", ("Ctrl+PgUp",),
               "", ASSET, group="clicks"),
    ActionSpec("palette", "Command Palette…", "Edit", "command_palette",
               ("Ctrl+Shift+P", "Ctrl+K"), "search", group="settings", toolbar="main",
               tip="Find any command by a few letters of its name."),
    ActionSpec("shortcuts", "Keyboard Shortcuts…", "Edit", "edit_shortcuts", (), "keyboard",
               group="settings"),
    ActionSpec("preferences", "Preferences…", "Edit", "preferences", ("Ctrl+,",), "settings",
               group="settings"),
)  # fmt: skip

_DIGITS = tuple(
    ActionSpec(f"object_{n}", f"Click for Object {n}" if n else "Click for Background", "",
               "select_object", (str(n), f"Num+{n}"), "", MASKS, (n,), group="digits",
               tip="The object is made when it is chosen for the first time." if n else
               "Background clicks say: none of the objects.")
    for n in range(10)
)  # fmt: skip

_OBJECT = (
    ActionSpec("new_object", "New Object", "Object", "new_object", ("N",), "add", WRITABLE,
               group="new", toolbar="main", tip="The next clicks are for a new object.",
               short="New Object"),
    ActionSpec("background", "Background", "Object", "select_object", (), "background", MASKS,
               (0,), "object_background", group="new",
               tip="The next clicks are for the background (key 0, or hold Ctrl)."),
    ActionSpec("next_object", "Next Object", "Object", "next_object", ("PgDown",), "", OBJECT,
               group="walk"),
    ActionSpec("previous_object", "Previous Object", "Object", "previous_object", ("PgUp",), "",
               OBJECT, group="walk"),
    ActionSpec("rename_object", "Rename Object…", "Object", "rename_object", ("F2",), "", OBJECT,
               group="change"),
    ActionSpec("merge_object", "Merge Into…", "Object", "merge_object", ("M",), "", OBJECT,
               group="change", tip="Give this object's points and clicks to another object."),
    ActionSpec("delete_object", "Delete Object", "Object", "delete_object", ("Shift+Delete",),
               "", OBJECT, group="change"),
    ActionSpec("hide_object", "Hide or Show", "Object", "hide_object", ("H",), "hide", OBJECT,
               group="seen"),
    ActionSpec("isolate_object", "Isolate", "Object", "isolate_object", ("I",), "isolate", OBJECT,
               (), "isolated", group="seen", tip="Show this object only; again shows all."),
    ActionSpec("show_all", "Show All", "Object", "show_all", ("Shift+H",), "show", ASSET,
               group="seen"),
    ActionSpec("look_at_object", "Zoom to Object", "Object", "look_at_object", ("V",), "zoom_to",
               PIXELS - {"writable"}, group="seen",
               tip="Show the current object as large as it fits."),
    ActionSpec("lock_object", "Lock or Unlock", "Object", "lock_object", ("K",), "lock", OBJECT,
               group="seen", tip="Predictions and brushes leave a locked object alone."),
)  # fmt: skip

_TOOLS = (
    ActionSpec("tool_click", "Click", "Tools", "select_tool", ("C",), "tool_click", MASKS,
               ("click",), "tool_click", "tool", "tools",
               "Left click: this belongs to the current object. Ctrl: to the background. "
               "On photos, right click or Alt: this does not."),
    ActionSpec("tool_box", "Box", "Tools", "select_tool", ("X",), "tool_box",
               PHOTO_MASKS | {"engine_boxes"}, ("box",), "tool_box", "tool", "tools",
               "Drag a box around the current object."),
    ActionSpec("tool_brush", "Brush", "Tools", "select_tool", ("B",), "tool_brush", MASKS,
               ("brush",), "tool_brush", "tool", "tools",
               "Paint the current object by hand."),
    ActionSpec("tool_eraser", "Eraser", "Tools", "select_tool", ("E",), "tool_eraser", MASKS,
               ("eraser",), "tool_eraser", "tool", "tools",
               "Give parts back to the background by hand."),
    ActionSpec("tool_polygon", "Polygon", "Tools", "select_tool", ("P",), "tool_polygon",
               PHOTO_MASKS, ("polygon",), "tool_polygon", "tool", "tools",
               "Click around what the current object shall get; Enter closes, Ctrl+Enter erases."),
    ActionSpec("tool_outline", "Edit Outline", "Tools", "select_tool", ("O",), "tool_outline",
               PHOTO_MASKS, ("outline",), "tool_outline", "tool", "tools",
               "Move corners of the current object's outline; a right click removes one."),
    ActionSpec("tool_lasso", "Lasso", "Tools", "select_tool", ("L",), "tool_lasso", SCAN,
               ("lasso",), "tool_lasso", "tool", "tools",
               "Encircle points for the current object; Alt takes hidden points too."),
    ActionSpec("brush_larger", "Larger Brush", "Tools", "brush_larger", ("]",), "", MASKS,
               group="brush"),
    ActionSpec("brush_smaller", "Smaller Brush", "Tools", "brush_smaller", ("[",), "", MASKS,
               group="brush"),
    ActionSpec("bigger_mask", "Bigger Mask", "Tools", "resize_mask", ("+", "="), "bigger",
               PHOTO_MASKS | WRITABLE | OBJECT, (+1,), group="mask", toolbar="tools",
               tip="Take in pixels of which the engine is less sure."),
    ActionSpec("smaller_mask", "Smaller Mask", "Tools", "resize_mask", ("-",), "smaller",
               PHOTO_MASKS | WRITABLE | OBJECT, (-1,), group="mask", toolbar="tools",
               tip="Leave out pixels of which the engine is less sure."),
    ActionSpec("usual_mask", "Usual Mask Size", "Tools", "reset_mask_size", (), "",
               PHOTO_MASKS | WRITABLE | {"resized"}, group="mask"),
    ActionSpec("fill_holes", "Fill Holes", "Tools", "fill_holes", ("G",), "fill_holes", PIXELS,
               group="mask", toolbar="tools", tip="Fill what the current object encloses."),
    ActionSpec("smooth_mask", "Smooth Edge", "Tools", "smooth_mask", ("J",), "smooth", PIXELS,
               group="mask", toolbar="tools",
               tip="Smooth the current object's edge, the more the further it is away."),
    ActionSpec("keep_largest", "Keep Largest Part", "Tools", "keep_largest", ("Shift+G",), "",
               PIXELS, group="mask",
               tip="Drop what is not connected to the object's largest part."),
    ActionSpec("remove_box", "Remove Box", "Tools", "remove_box", ("Shift+X",), "",
               PHOTO_MASKS | WRITABLE | {"has_box"}, group="mask"),
    ActionSpec("clip_box", "Clip Box", "Tools", "toggle_clip_box", ("X",), "clip", SCAN, (),
               "clip_box", "clip", "tools", "Show only what lies in a box."),
    ActionSpec("clip_to_object", "Clip to Object", "Tools", "clip_to_object", ("Shift+X",), "",
               SCAN | OBJECT, group="clip"),
)  # fmt: skip

_POSES = (
    ActionSpec("find_people", "Find People", "Tools", "find_people", ("P",), "search",
               POSES | WRITABLE, group="people", toolbar="tools",
               tip="Let the engine find everybody on the photo and their joints."),
    ActionSpec("tool_joint", "Joints", "Tools", "select_tool", ("C",), "tool_click", POSES,
               ("joint",), "tool_joint", "tool", "tools",
               "Drag a joint, or choose one and click where it is. Right click: more."),
    ActionSpec("tool_person_box", "Person by Box", "Tools", "select_tool", ("X",), "tool_box",
               POSES, ("person_box",), "tool_person_box", "tool", "tools",
               "Drag a box around somebody; the engine guesses the joints."),
    ActionSpec("tool_guide", "Joint by Joint", "Tools", "select_tool", ("G",), "tool_polygon",
               POSES, ("guide",), "tool_guide", "tool", "tools",
               "Place a new person's joints one after the other."),
    ActionSpec("tool_whole", "Whole Person", "Tools", "select_tool", ("T",), "tool_whole", POSES,
               ("whole",), "tool_whole", "tool", "tools",
               "Move the current person, scale it by a corner, turn it by its handle."),
    *(ActionSpec(f"joint_{n}", f"Joint {n}…", "", "pick_joint", (str(n), f"Num+{n}"), "", POSES,
                 (n,), group="digits",
                 tip="The next click places it; two digits typed quickly are one number.")
      for n in range(10)),
    ActionSpec("joint_by_name", "Joint by Name…", "Tools", "pick_joint_by_name", ("/",), "search",
               POSES | {"person"}, group="joint", tip="Type a few letters, such as lw."),
    ActionSpec("next_joint", "Next Joint", "Tools", "step_joint", ("]",), "", POSES | {"person"},
               (+1,), group="joint"),
    ActionSpec("previous_joint", "Previous Joint", "Tools", "step_joint", ("[",), "",
               POSES | {"person"}, (-1,), group="joint"),
    ActionSpec("joint_visible", "Visible", "Tools", "set_visibility", ("V",), "show", JOINT, (2,),
               group="joint", toolbar="tools", tip="The chosen joint can be seen."),
    ActionSpec("joint_occluded", "Occluded", "Tools", "set_visibility", ("O",), "hide", JOINT,
               (1,), group="joint", toolbar="tools",
               tip="The chosen joint is hidden, but where it is is known."),
    ActionSpec("joint_absent", "Absent", "Tools", "set_visibility", ("D",), "background", JOINT,
               (0,), group="joint", toolbar="tools", tip="The chosen joint is not annotated."),
    ActionSpec("release_joint", "Let Joint Follow", "Tools", "release_joint", ("R",), "undo",
               PERSON | {"joint_placed"}, group="joint",
               tip="Take the placed joint back; the engine decides again where it is."),
    ActionSpec("release_all", "Let All Joints Follow", "Tools", "release_all", (), "", PERSON,
               group="joint"),
    ActionSpec("place_all", "Place All Joints", "Tools", "place_all", ("Shift+R",), "lock", PERSON,
               group="joint", tip="Every joint stays where it is shown."),
    ActionSpec("swap_pair", "Swap Joint With Other Side", "Tools", "swap_pair", ("S",), "swap",
               JOINT, group="person"),
    ActionSpec("swap_person", "Swap Left and Right", "Tools", "swap_person", ("Shift+S",), "swap",
               PERSON, group="person", toolbar="tools",
               tip="Exchange every left joint of the person with the right one."),
    ActionSpec("toggle_follows", "Free Joints Follow", "Tools", "toggle_follows", ("E",), "",
               PERSON, (), "follows", "person",
               tip="Off: joints that were not placed stay where they are."),
    ActionSpec("fit_person_box", "Fit Box to Joints", "Tools", "fit_person_box", ("B",), "",
               PERSON, group="person"),
    ActionSpec("duplicate_person", "Duplicate Person", "Object", "duplicate_person", ("Ctrl+D",),
               "duplicate", PERSON, group="new"),
    ActionSpec("add_from_template", "Person From Skeleton", "Object", "add_from_template",
               ("Shift+N",), "task_poses", POSES | WRITABLE, group="new",
               tip="Put the chosen skeleton into the middle of what is seen."),
    ActionSpec("copy_previous", "Copy People From Previous Photo", "Object", "copy_previous",
               ("Ctrl+B",), "", POSES | WRITABLE, group="new"),
    ActionSpec("look_at_person", "Zoom to Person", "Object", "look_at_person", ("Z",), "zoom_to",
               POSES | {"person"}, group="seen"),
    ActionSpec("joint_names", "Names of Joints", "View", "set_joint_names", ("W",), "", POSES, (),
               "joint_names", "points"),
    ActionSpec("skeletons", "Skeletons…", "Tools", "edit_skeletons", (), "settings", POSES,
               group="person", tip="Choose the skeleton of new people, or make one."),
    ActionSpec("export_people", "Export People…", "File", "export_people", ("Ctrl+E",), "export",
               POSES, group="export", toolbar="main", short="Export People",
               tip="COCO keypoints, YOLO pose, LabelMe points or a table."),
    ActionSpec("import_people", "Import People…", "File", "import_people", (), "",
               POSES | WRITABLE, group="export"),
)  # fmt: skip

_LOOKS = (
    ("top", "Top"), ("bottom", "Bottom (Depth Camera)"), ("front", "Front"), ("back", "Back"),
    ("left", "Left"), ("right", "Right"), ("iso", "Oblique"),
)  # fmt: skip
_COLOURINGS = (
    ("rgb", "Photo Colours"), ("label", "Labels"), ("height", "Height"),
    ("confidence", "Confidence"), ("ground_truth", "Ground Truth"),
)  # fmt: skip

_SCAN_ONLY = frozenset({"height", "ground_truth"})

_VIEW = (
    ActionSpec("fit", "Fit in View", "View", "fit_view", ("F",), "fit", ASSET, group="look",
               toolbar="tools", tip="Show all of the scan or photo."),
    ActionSpec("one_to_one", "One to One", "View", "one_to_one", ("Ctrl+1",), "one_to_one", PHOTO,
               group="look", toolbar="tools", tip="Show every pixel of the photo as one."),
    ActionSpec("zoom_in", "Zoom In", "View", "zoom_in", ("Ctrl++", "Ctrl+="), "zoom_in", PHOTO,
               group="look", tip="The wheel zooms to the pointer."),
    ActionSpec("zoom_out", "Zoom Out", "View", "zoom_out", ("Ctrl+-",), "zoom_out", PHOTO,
               group="look", tip="The wheel zooms to the pointer."),
    *(ActionSpec(f"look_{key}", title, "View", "look", (f"Ctrl+{n}",), f"look_{key}", SCAN,
                 (key,), group="look", toolbar="tools" if key in {"top", "front", "iso"} else "",
                 tip=f"Look from: {title.lower()}.")
      for n, (key, title) in enumerate(_LOOKS, 1)),
    *(ActionSpec(f"colour_{key}", f"Colour by {title}", "View", "colour_by", (f"Alt+{n}",), "",
                 (SCAN if key in _SCAN_ONLY else ASSET) | {f"has_{key}"}, (key,),
                 f"colour_{key}", "colour")
      for n, (key, title) in enumerate(_COLOURINGS, 1)),
    ActionSpec("larger_points", "Larger Points", "View", "larger_points", ("+", "="), "", SCAN,
               group="points"),
    ActionSpec("smaller_points", "Smaller Points", "View", "smaller_points", ("-",), "", SCAN,
               group="points"),
    ActionSpec("stronger_labels", "Stronger Labels", "View", "stronger_labels", (".",), "", ASSET,
               group="points"),
    ActionSpec("fainter_labels", "Fainter Labels", "View", "fainter_labels", (",",), "", ASSET,
               group="points"),
    ActionSpec("shading", "Depth Shading", "View", "set_shading", ("S",), "shading", SCAN, (),
               "shading", "points", "tools", "Darken edges so that depth can be seen."),
    *(ActionSpec(f"theme_{key}", title, "View", "set_theme", (), "", frozenset(), (key,),
                 f"theme_{key}", "theme")
      for key, title in (("system", "Theme of the System"), ("light", "Light Theme"),
                         ("dark", "Dark Theme"))),
    ActionSpec("replay", "Replay What Was Done", "View", "set_replaying", ("Ctrl+R",), "replay",
               ASSET, (), "replaying", "window",
               tip="Watch the session of this file step by step; nothing is changed."),
    ActionSpec("full_screen", "Full Screen", "View", "full_screen", ("F11",), "", frozenset(), (),
               "full_screen", "window"),
    ActionSpec("focus_view", "Focus the View", "View", "focus_view", ("F6",), "", ASSET,
               group="window", tip="Then arrow keys move a cursor and Space clicks."),
)  # fmt: skip

_MOTION = (
    ActionSpec("tool_arrow", "Arrow", "Tools", "select_tool", ("D",), "tool_arrow",
               REGIONS | {"writable"}, ("arrow",), "tool_arrow", "tool", "tools",
               "Drag from a region into the direction in which it shall move."),
    ActionSpec("toggle_moves", "Region Moves", "Motion", "toggle_moves", ("U",), "",
               REGIONS | {"writable", "region"}, (), "region_moves", "region",
               tip="Off: the current region stands still; its settings are kept."),
    ActionSpec("clear_arrow", "Clear Arrow", "Motion", "clear_arrow", ("Shift+D",), "",
               REGIONS | {"writable", "has_arrow"}, group="region"),
    ActionSpec("forget_region", "Reset Region", "Motion", "forget_region", ("Shift+U",), "",
               REGIONS | {"writable", "has_plan"}, group="region",
               tip="Forget what the current region shall do; its mask stays."),
    ActionSpec("play_clip", "Play or Pause", "Motion", "play_clip", ("Ctrl+Space",), "",
               REGIONS | {"clip"}, group="play"),
    ActionSpec("next_frame", "Next Frame", "Motion", "next_frame", ("Alt+.",), "",
               REGIONS | {"clip"}, group="play"),
    ActionSpec("previous_frame", "Previous Frame", "Motion", "previous_frame", ("Alt+,",), "",
               REGIONS | {"clip"}, group="play"),
    ActionSpec("show_flow", "Show Flow", "Motion", "show_flow", ("Shift+F",), "",
               REGIONS, (), "show_flow", "look", tip="Draw where what is seen moves."),
    ActionSpec("show_onion", "Onion Skin", "Motion", "show_onion", ("Shift+O",), "",
               REGIONS, (), "show_onion", "look",
               tip="Let the frames before and after shine through."),
    ActionSpec("show_edge", "Show Soft Edge", "Motion", "show_edge", ("Shift+E",), "",
               REGIONS, (), "show_edge", "look",
               tip="Draw how far the current region counts as itself."),
    ActionSpec("keep_b", "Keep Settings as B", "Motion", "keep_b", ("Ctrl+B",), "",
               REGIONS | {"clip"}, group="compare",
               tip="Keep the present settings, to compare later ones with."),
    *(ActionSpec(f"side_{side}", title, "Motion", "show_side", (key,), "", REGIONS | {"kept_b"},
                 (side,), f"side_{side}", "compare")
      for side, title, key in (("a", "Show A, the Present Settings", "Shift+A"),
                               ("b", "Show B, the Kept Settings", "Shift+B"),
                               ("split", "Show A and B, Split", "Shift+V"))),
    ActionSpec("use_b", "Use Settings B", "Motion", "use_b", (), "",
               REGIONS | {"kept_b", "writable"}, group="compare",
               tip="Take the kept settings again; the present ones become B."),
    ActionSpec("render_clip", "Render at Full Quality", "Motion", "render_clip",
               ("Ctrl+Return",), "", REGIONS | {"moves"}, group="make",
               tip="Make the clip in all of the photo's pixels; again stops it."),
    ActionSpec("export_clip", "Export Clip…", "Motion", "export_clip", ("Ctrl+Shift+E",),
               "export", REGIONS | {"moves"}, group="make",
               tip="Write a video, pictures, the flow field or masks."),
)  # fmt: skip

_TASKS = (
    ActionSpec("task_masks", "Work on Masks", "View", "set_task", ("F7",), "task_masks",
               PHOTO | {"has_task_masks"}, ("masks",), "task_masks", "task",
               tip="Click objects of a photo; get their masks.", short="Masks"),
    ActionSpec("task_poses", "Work on Poses", "View", "set_task", ("F8",), "task_poses",
               PHOTO | {"has_task_poses"}, ("poses",), "task_poses", "task",
               tip="Find people on a photo; place and correct their joints.", short="Poses"),
    ActionSpec("task_motion", "Work on Motion", "View", "set_task", ("F9",), "task_motion",
               PHOTO | {"has_task_motion"}, ("motion",), "task_motion", "task",
               tip="Let objects of a photo move; get a clip.", short="Motion"),
)  # fmt: skip
"""What a photo is worked on for; the main toolbar's switch shows these rows."""

_ENGINE = (
    ActionSpec("run", "Run Now", "Engine", "run_now", ("Return", "Enter"), "run", ASSET,
               group="run", toolbar="main", tip="Let the network answer the clicks so far.",
               short="Run"),
    ActionSpec("auto_run", "Run After Every Click", "Engine", "set_auto_run", ("A",), "auto_run",
               ASSET, (), "auto_run", "run", "main",
               "Off: clicks gather until you press Run Now.", "Auto-run"),
    ActionSpec("cancel_run", "Stop Computing", "Engine", "cancel_run", ("Escape",), "stop",
               frozenset({"busy"}), group="run"),
    ActionSpec("engine_parameters", "Engine Parameters…", "Engine", "engine_parameters", (),
               "settings", frozenset({"engine"}), group="parameters"),
    ActionSpec("compare_engines", "Compare Two Engines…", "Engine", "compare_engines", (), "",
               ASSET | {"task_masks"}, group="parameters",
               tip="Both answer the same clicks, side by side."),
    ActionSpec("safety", "How Safe Is This Click?", "Engine", "show_safety", ("Shift+S",), "safety",
               MASKS | {"task_masks"}, (), "safety", "safety",
               tip="A map of what the next click would give, and where it would help most."),
    ActionSpec("take_suggestion", "Click Where It Helps Most", "Engine", "take_suggestion", ("T",),
               "", MASKS | {"task_masks", "writable", "suggestion"}, group="safety",
               tip="Places the click that the map suggests; undo takes it back."),
    ActionSpec("manage_weights", "Weights…", "Engine", "manage_weights", (), "",
               group="parameters", tip="Download, import and remove the networks' weights."),
    ActionSpec("retry_plugins", "Try Failed Plugins Again", "Engine", "retry_plugins", (), "",
               group="parameters"),
)  # fmt: skip

_HELP = (
    ActionSpec("help", "Shortcuts and Gestures", "Help", "show_help", ("F1",), "help",
               group="help"),
    ActionSpec("show_log", "Show Log File", "Help", "show_log", (), "", group="help"),
    ActionSpec("about", "About", "Help", "about", (), "", group="help"),
)  # fmt: skip

ACTIONS: tuple[ActionSpec, ...] = (
    *_FILE, *_EDIT, *_OBJECT, *_DIGITS, *_TOOLS, *_POSES, *_MOTION, *_TASKS, *_VIEW,
    *_ENGINE,
    *_HELP,
)  # fmt: skip

ANNOTATION_HANDLERS = frozenset({
    "undo", "redo", "delete_click", "next_click", "previous_click", "select_object", "new_object",
    "next_object", "previous_object", "rename_object", "merge_object", "delete_object",
    "hide_object", "isolate_object", "show_all", "lock_object", "select_tool", "brush_larger",
    "brush_smaller", "run_now", "set_auto_run", "cancel_run", "show_safety", "take_suggestion",
})  # fmt: skip
"""Handler names that every annotation controller supplies."""

SCAN_HANDLERS = frozenset({"toggle_clip_box", "clip_to_object"})
"""What the controller of scans supplies beside them."""

PHOTO_HANDLERS = frozenset({
    "resize_mask", "reset_mask_size", "fill_holes", "smooth_mask", "keep_largest",
    "remove_box", "look_at_object",
})  # fmt: skip
"""What the controller of photos supplies beside them; the other names are the shell's."""

POSE_HANDLERS = frozenset({
    "find_people", "pick_joint", "pick_joint_by_name", "step_joint", "set_visibility",
    "release_joint", "release_all", "place_all", "swap_pair", "swap_person", "toggle_follows",
    "fit_person_box", "duplicate_person", "add_from_template", "copy_previous", "look_at_person",
    "set_joint_names", "edit_skeletons", "export_people", "import_people",
})  # fmt: skip
"""What the controller of poses supplies."""


MOTION_HANDLERS = frozenset({
    "toggle_moves", "clear_arrow", "forget_region", "play_clip", "next_frame", "previous_frame",
    "show_flow", "show_onion", "show_edge", "keep_b", "show_side", "use_b", "render_clip",
})  # fmt: skip
"""What the controller of motion supplies beside those of photos."""


def by_id(actions: Iterable[ActionSpec] = ACTIONS) -> dict[str, ActionSpec]:
    """Return the rows by their id."""
    return {spec.action_id: spec for spec in actions}


def may_meet(first: ActionSpec, second: ActionSpec) -> bool:
    """Whether two rows can be enabled at the same time: not for different kinds or tasks.

    Regions that move have masks, so that there are tools for masks and motion at once.
    """
    kinds = first.needs & KINDS, second.needs & KINDS
    if all(kinds) and kinds[0] != kinds[1]:
        return False
    offers = first.needs & OFFERS, second.needs & OFFERS
    return not all(offers) or ("offers_poses" in offers[0]) == ("offers_poses" in offers[1])
