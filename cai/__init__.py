"""cai: a Constitutional AI pipeline that turns a constitution into SFT and preference datasets.

This module must not import anything heavy: `import cai` is part of every command's start-up time.
"""

__version__ = "0.1.0"
