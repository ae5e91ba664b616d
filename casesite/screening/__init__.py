"""Looks at what an agent wrote before it goes: secrets in it, quota requests, severity that does not fit, what is missing.

Plain functions over text. They store nothing, log nothing and block nothing; whoever calls them decides.
"""
