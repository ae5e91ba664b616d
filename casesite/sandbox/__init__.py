"""A stand-in for AWS that boto3 reaches over HTTP: `python -m casesite.sandbox`.

Requests are read and checked against botocore's own service models, signatures are verified, state lives in SQLite, and
faults can be asked for by name. It imports nothing of the site, and the site imports nothing of it.
"""
