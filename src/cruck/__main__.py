# SPDX-License-Identifier: MPL-2.0
from cruck.cli.main import main

raise SystemExit(main())
