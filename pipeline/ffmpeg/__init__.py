"""Running ffmpeg and ffprobe: finding them, their command lines, their words.

args      command lines, as pure functions      process   starting, limiting, ending
binaries  which ffmpeg                          causes    why it failed, in one line
probe     ffprobe's answer                      encode    a master's renditions
loudness, progress                              what ffmpeg says while it works
"""
