from collections.abc import Callable

import pytest

from cai.config.filters import DegenerateConfig
from cai.filters.base import Candidate
from cai.filters.degenerate import DegenerateFilter

HINDI = (
    "\u0939\u093f\u0928\u094d\u0926\u0940 \u0909\u0924\u094d\u0924\u0930 \u0926\u0940\u091c\u093f\u090f \u0926\u094b"
)
CODE = """```python
for i in range(10):
    total += values[i] * (2 ** i)  # weigh
    print(f"{i}: {total:>8.2f}", end="\\n")
```"""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        (" \n\t", "empty"),
        ("<<<>>>=== {{{{ }}}} ;;;; ((( )))", "mostly signs"),
        ("I cannot do that. " * 12, "looping"),
        ("Bake it for 40 minutes at 220 degrees.", None),
        (":-) :-D", None),
        (CODE, None),
        (HINDI, None),
        (
            "\u4f60\u597d\uff0c\u6211\u53ef\u4ee5\u5e2e\u4f60\u505a\u4ec0\u4e48\uff1f\u8bf7\u544a\u8bc9\u6211\u3002",
            None,
        ),
    ],
)
def test_texts_that_are_no_language_are_left_out(
    asked: Callable[..., Candidate], text: str, reason: str | None
) -> None:
    assert DegenerateFilter(DegenerateConfig()).reason(asked("x", "A good answer.", text)) == reason
