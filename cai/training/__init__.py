"""Training on the datasets of a run: SFT, reward model, the DPO family and KTO, on TRL's trainers."""
