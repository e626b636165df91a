"""The blind visual reading: its shuffled order, its table, and that a target is read once."""

import unittest

from ALSCortexProfileLib.targets import STANDARD_TARGETS
from ALSStudyLib.errors import InputError
from ALSStudyLib.mrmlFiles import HeadlessScene
from ALSStudyLib.mrmlReadings import addReading, readingsTable, storedReadings
from ALSStudyLib.reading import READING_COLUMNS, Reading, ReadingSession, newReading, nextTarget

TARGETS = [target.slug for target in STANDARD_TARGETS]
SESSION = ReadingSession("P012", "1", "MK", 1, 2018)


class OrderTest(unittest.TestCase):
    def testOrderIsAShuffleThatCanBeRepeated(self):
        order = SESSION.order(TARGETS)
        self.assertCountEqual(order, TARGETS)
        self.assertEqual(SESSION.order(TARGETS[::-1]), order)

    def testOrdersDifferBetweenReadersSessionsAndSeeds(self):
        orders = {
            tuple(ReadingSession(f"P{subject}", "1", reader, session, seed).order(TARGETS))
            for subject in range(3)
            for reader in ("MK", "AB")
            for session in (1, 2)
            for seed in (1, 2)
        }
        self.assertGreater(len(orders), 10)

    def testEveryTargetComesFirstAboutEquallyOften(self):
        first = [ReadingSession(f"P{subject}", "1", "MK", 1, 7).order(TARGETS)[0] for subject in range(400)]
        for target in TARGETS:
            self.assertAlmostEqual(first.count(target) / len(first), 0.25, delta=0.08)


class ReadingTest(unittest.TestCase):
    def testTargetsAreReadInOrderAndOnce(self):
        readings, seen = [], []
        while target := nextTarget(SESSION, TARGETS, readings):
            seen.append(target)
            readings.append(newReading(SESSION, TARGETS, target, "pathologic", 2, readings))
        self.assertEqual(seen, SESSION.order(TARGETS))
        self.assertEqual([reading.position for reading in readings], [1, 2, 3, 4])
        with self.assertRaisesRegex(InputError, "session 2"):
            newReading(SESSION, TARGETS, seen[0], "nonpathologic", 0, readings)
        second = ReadingSession("P012", "1", "MK", 2, 2018)
        self.assertEqual(nextTarget(second, TARGETS, readings), second.order(TARGETS)[0])

    def testWhatIsNoReadingIsRefused(self):
        good = dict(SESSION.__dict__) | {"target": "hand_knob_left", "reading": "pathologic", "score": 1, "position": 1}
        Reading(**good)
        for name, value in (("reader", " "), ("reading", "maybe"), ("score", 3), ("session", 3)):
            with self.subTest(name), self.assertRaises(InputError):
                Reading(**{**good, name: value})


class ReadingsTableTest(unittest.TestCase):
    def testTableKeepsEveryReading(self):
        headless = HeadlessScene()
        self.assertEqual(storedReadings(headless.scene), [])
        readings = []
        for target, verdict, score in (("hand_knob_left", "pathologic", 2), ("hand_knob_right", "nonpathologic", 0)):
            readings.append(newReading(SESSION, TARGETS, target, verdict, score, readings))
            node = addReading(headless.scene, readings[-1])
        self.assertIs(node, readingsTable(headless.scene))
        self.assertEqual(storedReadings(headless.scene), readings)
        self.assertEqual(node.GetNumberOfColumns(), len(READING_COLUMNS))
        self.assertTrue(node.GetLocked())

    def testTableOfAnotherKindIsRefused(self):
        headless = HeadlessScene()
        node = addReading(headless.scene, newReading(SESSION, TARGETS, "hand_knob_left", "pathologic", 2, []))
        node.SetLocked(False)
        node.RemoveColumn(0)
        with self.assertRaisesRegex(InputError, "subject"):
            storedReadings(headless.scene)


if __name__ == "__main__":
    unittest.main()
