"""`python -m keysync_shell` is `keysync-shell`."""

import sys

from keysync_shell.cli import main

sys.exit(main())
