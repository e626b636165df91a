"""What a scene keeps of a case beside images and drawings: the parameters of a module, the role of each volume."""

from __future__ import annotations

import json
from collections.abc import Mapping

import slicer

from .mrmlNodes import ROLE_ATTRIBUTE, nodesOfClass
from .storedSettings import settingsFromText

PARAMETER_CLASS = "vtkMRMLScriptedModuleNode"


def parameterNode(scene, module: str):
    """The parameter node of a module, the same that its panel uses; None if the scene has none.

    Slicer marks it with the singleton tag and an attribute; older scenes of this project only name the module.
    """
    node = scene.GetSingletonNode(module, PARAMETER_CLASS)
    if node is not None:
        return node
    nodes = nodesOfClass(scene, PARAMETER_CLASS)
    return next((node for node in nodes if module in (node.GetAttribute("ModuleName"), node.GetModuleName())), None)


def storeParameters(scene, module: str, subject: str, exam: str, settings) -> None:
    """Write subject, exam and settings (a settings dataclass) into the module's parameter node."""
    node = parameterNode(scene, module)
    if node is None:
        node = slicer.vtkMRMLScriptedModuleNode()
        # Before the node enters the scene: a singleton is only then joined with what a scene file brings.
        node.SetSingletonTag(module)
        node.SetName(module)
        node = scene.AddNode(node)
    node.SetModuleName(module)
    node.SetAttribute("ModuleName", module)
    node.SetParameter("subject", subject)
    node.SetParameter("exam", exam)
    node.SetParameter("settings", json.dumps(settings.toDict()))


def storedParameters(scene, module: str, settingsClass) -> dict:
    """Subject, exam and settings as stored; empty and the defaults without a parameter node.

    :raises InputError: settings that cannot be read.
    """
    node = parameterNode(scene, module)
    stored = {name: (node.GetParameter(name) or "") if node else "" for name in ("subject", "exam", "settings")}
    return {**stored, "settings": settingsFromText(settingsClass, stored["settings"], module)}


def assignRoles(scene, roles: Mapping, ofModule: tuple[str, ...]) -> None:
    """Mark the volumes of a case, and take the module's marks from all others.

    :param roles: node to role. ofModule: all roles the module gives.
    """
    for className in ("vtkMRMLVolumeNode", "vtkMRMLSequenceNode"):
        for node in nodesOfClass(scene, className):
            if node not in roles and node.GetAttribute(ROLE_ATTRIBUTE) in ofModule:
                node.RemoveAttribute(ROLE_ATTRIBUTE)
    for node, role in roles.items():
        node.SetAttribute(ROLE_ATTRIBUTE, role)
