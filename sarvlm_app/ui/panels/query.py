"""The query line: words, negatives as chips, and the Ask button."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from sarvlm_app.ui.question import Question, parse_question
from sarvlm_app.ui.theme import Theme
from sarvlm_app.ui.widgets import named_frame

TYPING_PAUSE_MS = 150
OF_A_SCENE = "What are you looking for?  e.g. ships moored at a pier"
OF_THE_ARCHIVE = "What are you looking for in the archive?  e.g. a harbour with ships"


class QueryBar(QWidget):
    """Where the question is typed.

    Signals
    -------
    asked(object)
        A `Question`, on Return, on Ask, and when a negative comes or goes while there is text.
    typed(str)
        The words so far, after a pause of 150 ms.
    """

    asked = Signal(object)
    typed = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._negatives: tuple[str, ...] = ()
        self.line = QLineEdit(objectName="queryLine")
        self.line.setPlaceholderText(OF_A_SCENE)
        self.line.setAccessibleName("Question")
        self.line.setMinimumWidth(180)
        self.negative_line = QLineEdit(objectName="negativeLine", placeholderText="not…")
        self.negative_line.setAccessibleName("Exclude")
        self.negative_line.setToolTip(
            "Something the answer must not be; Return adds it.\nTyping  -open water  after the question does the same."
        )
        self.negative_line.setFixedWidth(84)
        self._chips = QHBoxLayout()
        self._chips.setSpacing(5)
        self._hint = QLabel("Ctrl+K", objectName="queryHint")
        self._frame = named_frame("queryFrame")
        self._frame.setFixedHeight(36)
        row = QHBoxLayout(self._frame)
        row.setContentsMargins(11, 0, 10, 0)
        row.setSpacing(8)
        for widget, stretch in ((self.line, 1), (None, 0), (self.negative_line, 0), (self._hint, 0)):
            if widget is None:
                row.addLayout(self._chips)
            else:
                row.addWidget(widget, stretch)
        self.button = QPushButton("Ask  ↵", objectName="askButton", toolTip="Look for this in the whole scene (Return)")
        self.button.setFixedHeight(36)
        top = QHBoxLayout()
        top.setSpacing(9)
        top.addWidget(self._frame, 1)
        top.addWidget(self.button)
        self.error = QLabel(objectName="queryError", wordWrap=True, visible=False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addLayout(top)
        layout.addWidget(self.error)
        self._pause = QTimer(self, singleShot=True, interval=TYPING_PAUSE_MS)
        self._pause.timeout.connect(lambda: self.typed.emit(parse_question(self.line.text()).text))
        self.line.textEdited.connect(self._on_edit)
        self.line.returnPressed.connect(self.ask)
        self.negative_line.returnPressed.connect(self._add_typed_negative)
        self.button.clicked.connect(self.ask)
        for line in (self.line, self.negative_line):
            line.installEventFilter(self)

    @property
    def negatives(self) -> tuple[str, ...]:
        return self._negatives

    def ask(self) -> None:
        """Takes negatives out of the text and asks what remains."""
        self._pause.stop()
        question = parse_question(self.line.text())
        self._show(question.text, tuple(dict.fromkeys(self._negatives + question.negatives)))
        self.asked.emit(Question(question.text, self._negatives))

    def ask_words(self, text: str) -> None:
        """Asks for `text` as though it had been typed, without negatives."""
        self._show(text, ())
        self.ask()

    def show_question(self, text: str, negatives: tuple[str, ...]) -> None:
        """Shows the question that the session holds, unless another is being typed."""
        if not self.line.hasFocus():
            self._show(text, negatives)

    def typed_words(self) -> str:
        """The words in the line while it is being typed in; else nothing."""
        return parse_question(self.line.text()).text if self.line.hasFocus() else ""

    def show_error(self, sentence: str) -> None:
        """One sentence below the line; an empty one takes it away."""
        self.error.setText(sentence)
        self.error.setVisible(bool(sentence))
        self._mark("invalid", bool(sentence))

    def set_asks_archive(self, archive: bool) -> None:
        """Says whom the line asks: the archive, or the scene on view."""
        self.line.setPlaceholderText(OF_THE_ARCHIVE if archive else OF_A_SCENE)
        self.button.setText("Search  ↵" if archive else "Ask  ↵")
        self.button.setToolTip(f"Look for this in the whole {'archive' if archive else 'scene'} (Return)")

    def replace_question(self, text: str, negatives: tuple[str, ...]) -> None:
        """Shows another question, also while the line has the focus."""
        self.show_error("")
        self._show(text, negatives)

    def focus(self) -> None:
        """Puts the cursor into the line, its words selected."""
        self.line.setFocus()
        self.line.selectAll()

    def _show(self, text: str, negatives: tuple[str, ...]) -> None:
        if self.line.text() != text:
            self.line.setText(text)
        if negatives != self._negatives:
            self._negatives = negatives
            self._render_chips()

    def _on_edit(self) -> None:
        self.show_error("")
        self._pause.start()

    def _add_typed_negative(self) -> None:
        word = " ".join(self.negative_line.text().lstrip("-\u2212").split())
        self.negative_line.clear()
        if word and word not in self._negatives:
            self._change_negatives((*self._negatives, word))

    def _change_negatives(self, negatives: tuple[str, ...]) -> None:
        self._negatives = negatives
        self._render_chips()
        if self.line.text().strip():
            self.ask()

    def _render_chips(self) -> None:
        while (item := self._chips.takeAt(0)) is not None:
            if (gone := item.widget()) is not None:
                gone.deleteLater()
        for word in self._negatives:
            short = word if len(word) <= 22 else word[:21] + "…"
            chip = QPushButton(f"− {short}  ×", objectName="chip", toolTip=f"Not “{word}”: click to remove")
            chip.clicked.connect(
                lambda _checked=False, out=word: self._change_negatives(tuple(w for w in self._negatives if w != out))
            )
            self._chips.addWidget(chip)

    def _mark(self, name: str, on: bool) -> None:
        self._frame.setProperty(name, "true" if on else "false")
        self._frame.style().unpolish(self._frame)
        self._frame.style().polish(self._frame)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        if event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            self._mark("active", event.type() == QEvent.Type.FocusIn)
        return super().eventFilter(watched, event)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(320, 36)
