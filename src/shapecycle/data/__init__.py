"""The two training folders, read from disk and brought to one form each.

``photos`` loads masked photographs and crops them around their objects; ``shapes`` loads meshes
and oriented point clouds, centres them and scales their bounding boxes to diagonal 1.
"""
