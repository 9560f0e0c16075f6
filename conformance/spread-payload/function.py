def add(a, b=10):
    return a + b
