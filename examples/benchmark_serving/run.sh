#!/usr/bin/env bash
# A load needs a server: both are run by the other's script.
exec bash "$(dirname "$0")/../serving/run.sh" --backend openai-chat
