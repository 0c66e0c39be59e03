"""The work: masters become encrypted adaptive streams, published in the catalog.

    ingest     the stages of one track, in order: start reading here
    batch      many tracks side by side, and cleaning up after a run that was killed
    master     a file -> everything known of it, or the one cause why it is refused
    ladder     which renditions a master gets
    ffmpeg/    the only place that starts processes
    packaging  encoded files -> CMAF track files with their keys
    cli/       the `headwater` command, which composes everything

It writes no queue and no scheduler of its own, and knows no HTTP.
"""
