"""From the name of a trainer to its format."""

from collections.abc import Callable

from cai.data.formats.axolotl import Axolotl
from cai.data.formats.base import DatasetFormat, FormatName
from cai.data.formats.llamafactory import LlamaFactory
from cai.data.formats.nemo_rl import NemoRl
from cai.data.formats.openrlhf import OpenRlhf
from cai.data.formats.trl import Trl
from cai.data.formats.verl import Verl

FORMATS: dict[FormatName, Callable[[], DatasetFormat]] = {
    "trl": Trl,
    "axolotl": Axolotl,
    "llamafactory": LlamaFactory,
    "openrlhf": OpenRlhf,
    "verl": Verl,
    "nemo-rl": NemoRl,
}


def build_format(name: FormatName) -> DatasetFormat:
    """The format of a trainer."""
    return FORMATS[name]()
