#!/bin/sh
cat >&2
exit 3
