"""`python -m chatd.conformance`: the same as `chatd conformance`."""

import sys

from .commands import main

sys.exit(main())
