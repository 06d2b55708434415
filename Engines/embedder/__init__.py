"""A small embedding engine: BERT-type sentence encoders on the CPU, served as OpenAI serves embeddings."""

import os

# Several threads for matrices this small mostly wait for each other: beside one busy process, two were 3.5 times slower
# than one. More engines use more cores. Must be said before numpy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
