"""Trains the byte-level BPE on stories.txt and writes train.bin and val.bin (u16 ids; every document starts with 0).

    python tokenize.py

Every 40th document is for validation.
"""
import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

documents = open("stories.txt").read().split("<|endoftext|>")
bpe = Tokenizer(models.BPE())
bpe.pre_tokenizer, bpe.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
bpe.train_from_iterator(documents, trainers.BpeTrainer(vocab_size=2048, special_tokens=["<|endoftext|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
bpe.save("tokenizer.json")
for name, part in (("train", [d for i, d in enumerate(documents) if i % 40]), ("val", documents[::40])):
    ids = [i for d in part for i in [0] + bpe.encode(d).ids]
    np.array(ids, np.uint16).tofile(name + ".bin")
    print(name, len(ids), "tokens")
