"""Formats: an encoder's file becomes a CMAF track, and a package becomes HLS and DASH.

The packager reads and writes ISO BMFF boxes (`boxes`), takes encoded files apart (`demux`),
decides where segments begin (`segmenter`), encrypts and writes one addressable file per rendition
(`cmaf`), and renders the manifests (`hls`, `dash`) and the index (`index`) from one value,
`model.Package`.

It never opens a file, a socket or a clock and draws no random number: keys, IVs and open files
come from the caller, and equal input gives equal bytes. It imports nothing else of ours.

Read `model` first, then `cmaf`.
"""

from packager.errors import MalformedMedia, PackagerError, UnsupportedMedia

__all__ = ["MalformedMedia", "PackagerError", "UnsupportedMedia"]
