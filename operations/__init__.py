"""The `twinsite` command: what a person does after `pulumi up`.

Here: inventory → subjects (facts, problems) → plan → steps → journal → evidence → report, over hosts as in
production. Not here: Pulumi resources (components/), programs that run on the hosts (components/guest/), anything
that knows the lab.
"""

import pkgutil

__path__ = pkgutil.extend_path(__path__, __name__)  # a topology elsewhere brings its kinds of things (subjects)
