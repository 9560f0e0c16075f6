def reverse(data):
    assert isinstance(data, bytes)
    return data[::-1]
