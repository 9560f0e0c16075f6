#!/bin/sh
# Prints what an execution is given.
echo "Contents of MSG: $MSG"
echo "Environment:"
env | sort
