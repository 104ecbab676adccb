import sys

import beside

print(__name__, __file__, sys.argv, sys.path[0], beside.__name__)
