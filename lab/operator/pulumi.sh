#!/bin/sh
# `pulumi` at the lab's desk: the real one, after a check that it works on a stack of this lab. The stand-ins would
# otherwise believe that a real stack's resources are gone, and a state file of the lab means nothing outside it.
# Environment (lab/operator/desk.py): TWINSITE_LAB_PULUMI the real binary, TWINSITE_LAB_BACKEND the lab's backend,
# TWINSITE_LAB_BOX this box's id.
set -eu

if [ "${PULUMI_BACKEND_URL:-}" != "$TWINSITE_LAB_BACKEND" ]; then
    echo "refused: PULUMI_BACKEND_URL is '${PULUMI_BACKEND_URL:-}', which is not this lab's backend." >&2
    echo "Leave the lab's shell to work on that stack, or \`export PULUMI_BACKEND_URL=$TWINSITE_LAB_BACKEND\`." >&2
    exit 2
fi

adopted=''
case "${1:-} ${2:-}" in
"stack init" | "new "*) adopted=yes ;; # makes a stack here: it gets the mark below
"stack rm" | "help "* | "version "* | "about "* | "--help "* | "--version "*) exec "$TWINSITE_LAB_PULUMI" "$@" ;;
esac

if [ -z "$adopted" ]; then
    for file in Pulumi.*.yaml; do
        [ -e "$file" ] || continue
        if ! grep -q "^  lab:marker: ${TWINSITE_LAB_BOX}\$" "$file"; then
            echo "refused: $file has no mark of this lab ($TWINSITE_LAB_BOX): it belongs to real sites or to another box." >&2
            echo "Take it away from $PWD, or start over with \`./scripts/lab down\` and \`./scripts/lab up\`." >&2
            exit 2
        fi
    done
    exec "$TWINSITE_LAB_PULUMI" "$@"
fi

"$TWINSITE_LAB_PULUMI" "$@"
for file in Pulumi.*.yaml; do
    [ -e "$file" ] || continue
    grep -q 'lab:marker:' "$file" || python -m lab.operator.stack "$file" "$TWINSITE_LAB_BOX"
done
