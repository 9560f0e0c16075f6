import logging
import threading

logging.basicConfig(level=logging.DEBUG)
logger = logging.getLogger("tide")


def main(payload):
    logging.debug("low %d", 1)
    logger.warning("rising")
    thread = threading.Thread(target=print, args=("from a thread",))
    thread.start()
    thread.join()
    try:
        1 / 0
    except ZeroDivisionError:
        logger.exception("broken")
