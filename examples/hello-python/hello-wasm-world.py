"""Two small measurements of a Python: the sum of a range, and pystone.

    hello-wasm-world [PASSES]

pystone is Reinhold Weicker's Dhrystone in Python. Since version 1.1 its figure, passes a second, has been comparable between
Pythons of one machine; what is done in one pass here is what version 1.1 does, procedure by procedure, written anew.
"""

import sys
from time import perf_counter

PASSES = 50_000
RANGE = 100_000

IDENT_1, IDENT_2, IDENT_3, IDENT_4, IDENT_5 = range(1, 6)


class Record:
    def __init__(self, pointer=None, discriminant=0, enumeration=0, integer=0, text=""):
        self.pointer = pointer
        self.discriminant = discriminant
        self.enumeration = enumeration
        self.integer = integer
        self.text = text

    def copy(self):
        return Record(self.pointer, self.discriminant, self.enumeration, self.integer, self.text)


integer_global = 0
bool_global = False
char_1_global = "\0"
char_2_global = "\0"
array_1_global = [0] * 51
array_2_global = [array_1_global[:] for _ in range(51)]
record_global = None
next_record_global = None


def run(passes):
    """Runs the benchmark; returns the seconds that its passes took, those of an empty loop taken off."""
    global integer_global, bool_global, record_global, next_record_global

    start = perf_counter()
    for _ in range(passes):
        pass
    empty = perf_counter() - start

    next_record_global = Record()
    record_global = Record(next_record_global, IDENT_1, IDENT_3, 40, "DHRYSTONE PROGRAM, SOME STRING")
    string_1 = "DHRYSTONE PROGRAM, 1'ST STRING"
    array_2_global[8][7] = 10

    start = perf_counter()
    for index in range(passes):
        procedure_5()
        procedure_4()
        integer_1 = 2
        integer_2 = 3
        string_2 = "DHRYSTONE PROGRAM, 2'ND STRING"
        enumeration = IDENT_2
        bool_global = not function_2(string_1, string_2)
        while integer_1 < integer_2:
            integer_3 = 5 * integer_1 - integer_2
            integer_3 = procedure_7(integer_1, integer_2)
            integer_1 = integer_1 + 1
        procedure_8(array_1_global, array_2_global, integer_1, integer_3)
        record_global = procedure_1(record_global)
        char = "A"
        while char <= char_2_global:
            if enumeration == function_1(char, "C"):
                enumeration = procedure_6(IDENT_1)
            char = chr(ord(char) + 1)
        integer_3 = integer_2 * integer_1
        integer_2 = integer_3 / integer_1
        integer_2 = 7 * (integer_3 - integer_2) - integer_1
        integer_1 = procedure_2(integer_1)
    return perf_counter() - start - empty


def procedure_1(record):
    record.pointer = following = record_global.copy()
    record.integer = 5
    following.integer = record.integer
    following.pointer = record.pointer
    following.pointer = procedure_3(following.pointer)
    if following.discriminant == IDENT_1:
        following.integer = 6
        following.enumeration = procedure_6(record.enumeration)
        following.pointer = record_global.pointer
        following.integer = procedure_7(following.integer, 10)
    else:
        record = following.copy()
    following.pointer = None
    return record


def procedure_2(integer):
    location = integer + 10
    while True:
        if char_1_global == "A":
            location = location - 1
            integer = location - integer_global
            enumeration = IDENT_1
        if enumeration == IDENT_1:
            break
    return integer


def procedure_3(pointer):
    global integer_global
    if record_global is not None:
        pointer = record_global.pointer
    else:
        integer_global = 100
    record_global.integer = procedure_7(10, integer_global)
    return pointer


def procedure_4():
    global char_2_global
    location = char_1_global == "A"
    location = location or bool_global
    char_2_global = "B"


def procedure_5():
    global char_1_global, bool_global
    char_1_global = "A"
    bool_global = False


def procedure_6(enumeration):
    result = enumeration
    if not function_3(enumeration):
        result = IDENT_4
    if enumeration == IDENT_1:
        result = IDENT_1
    elif enumeration == IDENT_2:
        result = IDENT_1 if integer_global > 100 else IDENT_4
    elif enumeration == IDENT_3:
        result = IDENT_2
    elif enumeration == IDENT_4:
        pass
    elif enumeration == IDENT_5:
        result = IDENT_3
    return result


def procedure_7(integer_1, integer_2):
    location = integer_1 + 2
    return integer_2 + location


def procedure_8(array_1, array_2, integer_1, integer_2):
    global integer_global
    location = integer_1 + 5
    array_1[location] = integer_2
    array_1[location + 1] = array_1[location]
    array_1[location + 30] = location
    for index in range(location, location + 2):
        array_2[location][index] = location
    array_2[location][location - 1] = array_2[location][location - 1] + 1
    array_2[location + 20][location] = array_1[location]
    integer_global = 5


def function_1(char_1, char_2):
    location_1 = char_1
    location_2 = location_1
    if location_2 != char_2:
        return IDENT_1
    return IDENT_2


def function_2(string_1, string_2):
    location = 1
    while location <= 1:
        if function_1(string_1[location], string_2[location + 1]) == IDENT_1:
            char = "A"
            location = location + 1
    if char >= "W" and char <= "Z":
        location = 7
    if char == "X":
        return True
    if string_1 > string_2:
        location = location + 7
        return True
    return False


def function_3(enumeration):
    location = enumeration
    return location == IDENT_3


def main():
    passes = int(sys.argv[1]) if len(sys.argv) > 1 else PASSES
    print("Hello, Wasm world! This is Python %d.%d.%d on %s." % (*sys.version_info[:3], sys.platform))

    start = perf_counter()
    total = sum(range(RANGE))
    elapsed = perf_counter() - start
    print("sum of range(%d) = %d in %.3f ms" % (RANGE, total, elapsed * 1e3))

    elapsed = run(passes)
    print("pystone: %d passes in %.3f s, %.0f pystones/s" % (passes, elapsed, passes / elapsed))


if __name__ == "__main__":
    main()
