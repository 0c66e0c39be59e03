"""Keeping the house: is everything there, what may go, what must go.

    verify    every object present, whole and as it was hashed; every range in its file; every key
    collect   superseded revisions, orphans, writes that never ended (`headwater gc`)
    archive   the masters themselves: kept, moved or deleted
    takedown  a track out of everybody's reach, for good if its keys are destroyed
    doctor    is this machine fit for the work

All of it works over the ObjectStore protocol and the catalog; nothing here knows what they are.
"""
