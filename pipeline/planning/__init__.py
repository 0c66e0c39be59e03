"""How much of everything a catalog and its listeners need: `headwater plan`.

constants  the benchmarks' JSON -> what was measured on this machine
hits       how much a cache answers: Che's approximation, and an LRU cache simulated
capacity   what is wanted and assumed -> storage, requests, bandwidth, cores, cost; pure
svg        lines and bars as SVG
report     one HTML file with all of it
"""
