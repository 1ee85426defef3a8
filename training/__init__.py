"""How the picturebook model was made: scenes, captions, autoencoder, diffusion, evaluation.

Read in this order: `scene` (what can be in a picture), `canvas`, `palette`, `settings`, `elsewhere`,
`buildings`, `creatures`, `things`, `sky` and `styles` (how it is drawn), `scenes` (the command that draws),
`captions` and `words` (how it is told), `data` (shards on disk), `networks` (the architecture), `train` (the
stages), `evaluate` and `export`. Nothing here is installed with the program: only the weights that come out
are.
"""
