"""A titled part of a side column."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QToolButton, QVBoxLayout, QWidget


class Section(QWidget):
    """A small capital heading with room for buttons beside it, and a body below.

    Signals
    -------
    folded_changed(bool)
        The body was folded away, or is back.
    """

    folded_changed = Signal(bool)

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folds = False
        self._heading = QToolButton()
        self._heading.setObjectName("section")
        self._heading.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._heading.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._heading.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._heading.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._heading.clicked.connect(lambda: self.fold(not self.folded))
        self.head = QHBoxLayout()
        self.head.addWidget(self._heading)
        self.head.addStretch(1)
        self._content = QWidget()
        self.body = QVBoxLayout(self._content)
        self.body.setContentsMargins(0, 0, 0, 0)
        self.body.setSpacing(5)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(5)
        whole.addLayout(self.head)
        whole.addWidget(self._content, 1)
        self.set_title(title)

    @property
    def title(self) -> str:
        return self._title

    @property
    def folded(self) -> bool:
        """Whether only the heading is shown."""
        return self._content.isHidden()

    def set_title(self, title: str) -> None:
        self._title = title
        self._show_heading()

    def let_fold(self) -> None:
        """From now on a click on the heading, or Space there, folds the body away and brings it back."""
        self._folds = True
        self._heading.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._heading.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents, False)
        self._show_heading()

    def fold(self, folded: bool) -> None:
        """Fold the body away, or bring it back."""
        if folded != self.folded:
            self._content.setVisible(not folded)
            self._show_heading()
            self.folded_changed.emit(folded)

    def _show_heading(self) -> None:
        self._heading.setText(self._title.upper())
        if self._folds:
            self._heading.setArrowType(Qt.ArrowType.RightArrow if self.folded else Qt.ArrowType.DownArrow)
            self._heading.setToolTip(f"{'Show' if self.folded else 'Fold'} {self._title}")
            self._heading.setAccessibleName(f"{self._title}, {'folded' if self.folded else 'open'}")
