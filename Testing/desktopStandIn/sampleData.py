"""Module `SampleData` of the stand-in: keeps what modules register, and makes what needs no download."""

import logging


class SampleDataSource:
    """One sample; Slicer's class takes the same arguments."""

    def __init__(
        self,
        sampleName=None,
        sampleDescription=None,
        uris=None,
        fileNames=None,
        nodeNames=None,
        checksums=None,
        loadFiles=None,
        customDownloader=None,
        thumbnailFileName=None,
        loadFileType=None,
        loadFileProperties=None,
    ):
        self.sampleName, self.sampleDescription = sampleName, sampleDescription or sampleName
        self.uris, self.fileNames, self.nodeNames, self.checksums = uris, fileNames, nodeNames, checksums
        self.loadFiles, self.customDownloader, self.thumbnailFileName = loadFiles, customDownloader, thumbnailFileName
        self.loadFileType, self.loadFileProperties = loadFileType, loadFileProperties or {}


sources: dict[str, list[SampleDataSource]] = {}
titles: dict[str, str] = {}


class SampleDataLogic:
    """What modules call."""

    @staticmethod
    def registerCustomSampleDataCategory(category, title=None, description=None, **unknown):
        refuseUnknown(unknown)
        titles[category] = title or category
        sources.setdefault(category, [])

    @staticmethod
    def registerCustomSampleDataSource(category="Custom", **arguments):
        source = SampleDataSource(**arguments)
        own = sources.setdefault(category, [])
        own[:] = [other for other in own if other.sampleName != source.sampleName]
        own.append(source)

    def downloadSample(self, sampleName):
        for source in (source for own in sources.values() for source in own):
            if source.sampleName == sampleName:
                if source.customDownloader is None:
                    raise NotImplementedError("the stand-in downloads nothing")
                return source.customDownloader(source)
        logging.error(f"no sample is named {sampleName}")
        return None

    downloadSamples = downloadSample


def downloadSample(sampleName):
    return SampleDataLogic().downloadSample(sampleName)


def refuseUnknown(arguments: dict) -> None:
    if arguments:
        raise TypeError(f"unexpected keyword arguments: {', '.join(arguments)}")
