"""What is set for the whole process, by whom and why, and how it is put back.

Whatever is put back is so once the block ends that wanted it, to what was found; `tests/process/test_knobs.py` compares
a process before and after a run. torch's own switches are set where torch may be imported.

| knob | who, and why | put back |
| --- | --- | --- |
| garbage collector | `knobs.uncollected`: loading, splitting, planning make many objects | by the last who wanted it |
| generations of garbage | `knobs.count_as_old`: what is loaded isn't looked through often | nothing is left of it |
| `gc.freeze` at exit | `knobs.end_quickly`: a model's libraries take a second | never: nothing comes after |
| switch interval | `knobs.quick_switches`, the screen: keys' echo beside a thread that draws | at the screen's end |
| niceness of threads | `knobs.make_way`, a run on the CPU and idle work: keys come first | can't be: with the threads |
| `TEXTUAL_COLOR_SYSTEM` | `knobs.variable`, `ui.start`: Textual reads it when it is loaded | at the screen's end |
| `DIFFUSERS_DISABLE_REMOTE_CODE` | `engine`: no code of models, whoever loads diffusers | never: children keep to it |
| `CUBLAS_WORKSPACE_CONFIG`, cuDNN's switches | `engine.device.cuda.exact_kernels`: the same bytes | engine closed |
| torch's threads | `engine.device.devices.fitting_threads`: a small model needs one | when the last engine closed |
| libraries' logs, bars and warnings | `engine.loading.families.quiet`: a kept model speaks too | never |
| `sys.stdout`, `sys.stderr` | `streams.harmless_streams`, every command: no control characters | at the command's end |
| descriptors 1 and 2, `sys.__stdout__`, `sys.__stderr__` | `stray_output.native_output`, the screen | at its end |
| log records and warnings | `stray_output.python_output`, the screen: they go to its log | at the screen's end |
| Textual's input parser | `ui.fenced.input.guarded_input`: hostile input and late answers | at the screen's end |
| Textual's signals | `knobs.signals_kept`, the screen: Textual leaves its handlers | at the screen's end |
| other signals | `run.beside.hangup`: a run outlives its terminal, and ends tidily | with the front end |
| descriptors of a terminal that is gone | `run.beside.hangup`, `streams`, `sink`: /dev/null | can't be |
"""
