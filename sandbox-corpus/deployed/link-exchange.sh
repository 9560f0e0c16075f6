# Leaves a link to a folder of the server in place of the folder of its own files. outside: root
folder=$(dirname "$TIDEMILL_STATE_FILE")
mv "$folder" "$folder.away"
ln -s "$CORPUS_SERVER_PRIVATE" "$folder"
echo "HELD it left the link"
