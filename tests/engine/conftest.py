"""One torch thread: with more, pictures depend on how work is split over them."""

import torch

torch.set_num_threads(1)
