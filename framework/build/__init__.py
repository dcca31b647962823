"""How does a site become a folder of files?"""
