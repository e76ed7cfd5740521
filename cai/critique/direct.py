"""No critique at all: the revision follows the answer (the ablation of Bai et al. 2022, section 3.5)."""

from collections.abc import Mapping
from typing import ClassVar

from cai.config.critique import DirectConfig
from cai.constitution.brief import Brief
from cai.critique.base import Ask, Criticised
from cai.dialogue import Dialogue


class Direct:
    """Asks nothing; the principle still gives the words with which the revision is asked for."""

    templates: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    def __init__(self, config: DirectConfig) -> None:
        self.config = config

    async def critique(self, dialogue: Dialogue, brief: Brief, ask: Ask) -> Criticised:
        """Hand the dialogue on as it is."""
        del brief, ask
        return Criticised(None, dialogue)
