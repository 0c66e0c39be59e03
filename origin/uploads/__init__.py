"""Masters that come in over HTTP: kept in a folder until they are whole, then a job's.

    tus.py      what stands in the header fields of tus 1.0: pure
    shelf.py    the folder, and who may write in it
    receive.py  a request's body into a file, so that what is counted is safe
    desk.py     an upload from its announcement to its job
    ports.py    what the composition root has to give: who looks at masters, who makes jobs

What a master is, and whether it is one, is the pipeline's to say.
"""
