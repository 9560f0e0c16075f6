#!/bin/sh
read -r size
head -c "$size" /dev/zero | tr "\\0" x
