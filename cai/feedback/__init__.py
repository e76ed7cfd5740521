"""What people say of a run's answers: import, agreement with the AI labels, review, and rows to train on."""
