"""What reaches into private parts of the libraries of the screen, each in the one file that knows them.

The versions of the libraries are bound in `pyproject.toml`; `tests/ui/fenced` says what no longer holds of a newer one.

`driver`: Textual's `LinuxDriver._file`, `_app`, `_must_signal_resume`, `_sigcont_application`, and `App._driver`.
    For: a terminal that stands still or is gone must not stop the screen, and what draws pictures must write in order
    with it. Breaks: by other names there, or a driver that writes elsewhere than in `write`.
    Goes with: a driver of Textual's that leaves updates out, and a public way to write to it.
`input`: Textual's `XTermParser`, `_sequence_to_key_events`, and the decoder of `linux_driver`.
    For: a key beyond Unicode, bytes that are no UTF-8 or a window of any size end Textual's screen, Escape in pasted
    text presses keys, and a terminal's answers that come late are typed letter by letter, as it knows neither DCS nor
    APC. No plainer way holds that: input goes from the descriptor to the parser within Textual's thread, and answers
    may come whenever the network lets them, long after whatever was drained.
    Breaks: by other names there, silently: input is as Textual makes it then, and the program's tests fail.
    Goes with: a parser that takes no such sequence for keys, and one that can be chosen as a driver can.
`own_keys`: `Widget._bindings`, with what was inherited.
    For: keys typed ahead act in the field that had the focus when they were pressed. Breaks: by another name there.
    Goes with: bindings that are looked up along the way that a key takes, not from what has the focus by then.
`renderables`: textual-image's `_terminal`, its `get_cell_size._result` and `capture_terminal_response`.
    For: no questions to the terminal, the cell's size as it was found, and sixels that xterm shows right.
    Breaks: by other names there; sixels by another way to write colours.
    Goes with: a size and an answer that can be given to its renderables, and colours chosen as they are defined.
`file_dialogs`: textual-fspicker's `_header_area`, `_input_bar`, `_label` and what its screen keeps of its arguments.
    For: folders' names that are no markup, and no control characters in lists. Breaks: by other names there.
    Goes with: dialogues that show names literally.
"""
