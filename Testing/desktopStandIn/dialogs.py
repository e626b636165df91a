"""What would have popped up: dialogs are recorded and answered, for nobody sits in front of a test."""

import dataclasses

STATIC_DIALOGS = {
    ("QMessageBox", name): None for name in ("information", "question", "warning", "critical", "about", "aboutQt")
}
STATIC_DIALOGS |= {
    ("QFileDialog", name): None
    for name in ("getExistingDirectory", "getOpenFileName", "getOpenFileNames", "getSaveFileName")
}
STATIC_DIALOGS |= {("QInputDialog", name): None for name in ("getText", "getInt", "getDouble", "getItem")}
STATIC_DIALOGS |= {("QColorDialog", "getColor"): None, ("QDesktopServices", "openUrl"): None}


@dataclasses.dataclass(frozen=True)
class Popup:
    """One dialog: what kind, its text, what it was asked with."""

    kind: str
    text: str
    arguments: tuple = ()


recorded: list[Popup] = []
answers: list[str] = []  # names of buttons that the next dialogs are answered with
AGREEING = ("Ok", "Yes", "Retry", "Save", "Open", "Close")


def record(kind: str, text: str, arguments: tuple = ()) -> None:
    recorded.append(Popup(kind, text, arguments))


def staticDialog(name: str, attribute: str, arguments: tuple):
    """Answer of a message; a dialog for files and values is cancelled."""
    text = next((part for part in reversed(arguments[1:]) if isinstance(part, str)), "")
    if name == "QDesktopServices":  # a browser or a file manager would open
        record(f"{name}.{attribute}", arguments[0].toString(), arguments)
        return True
    record(f"{name}.{attribute}", text, arguments)
    if name == "QMessageBox":
        numbers = [part for part in arguments[3:] if isinstance(part, int)]
        return answer(numbers[0] if numbers else None, "Yes" if attribute == "question" else "Ok")
    return () if attribute == "getOpenFileNames" else ""


def answer(buttons=None, default: str = "Ok"):
    """The next answer of the test, else that of a user who agrees."""
    from .enums import enumValue

    offered = [name for name in AGREEING if buttons and int(buttons) & int(enumValue("QMessageBox", name))]
    name = answers.pop(0) if answers else (offered or [default])[0]
    value = enumValue("QMessageBox", name)
    if value is None or (buttons and not int(buttons) & int(value)):
        raise AssertionError(f"the dialog has no button {name}")
    return value


def shown(dialog, how: str):
    """A dialog or menu that would wait for the user: recorded, and closed at once; a dialog as if accepted."""
    name = type(dialog).qtName
    text = dialog.text if name == "QMessageBox" else dialog.title if name == "QMenu" else dialog.windowTitle
    record(f"{name}.{how}", text)
    if name == "QMenu" or how != "exec":
        return None
    if name == "QMessageBox":
        return answer(dialog.standardButtons)
    accepted = (answers.pop(0) if answers else "Ok") in AGREEING
    (dialog.accept if accepted else dialog.reject)()
    return int(accepted)
