"""What a run is asked to do, as data: pydantic models with no behaviour and no heavy import."""
