"""What lives on the graphics card: programs, point buffers and the picture drawn into.

Everything here needs a current OpenGL 3.3 context.
"""

import ctypes
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import OpenGL

from annotator.domain.errors import AnnotatorError

OpenGL.ERROR_CHECKING = False  # a glGetError after every call would stall the pipeline
from OpenGL import GL  # noqa: E402 - the setting has to come first

Array = npt.NDArray[Any]


class Program:
    """A compiled pair of shaders with uniforms by name."""

    def __init__(self, vertex: str, fragment: str) -> None:
        self._id = GL.glCreateProgram()
        for kind, source in ((GL.GL_VERTEX_SHADER, vertex), (GL.GL_FRAGMENT_SHADER, fragment)):
            GL.glAttachShader(self._id, _compiled(kind, source))
        GL.glLinkProgram(self._id)
        if not GL.glGetProgramiv(self._id, GL.GL_LINK_STATUS):
            raise _refused(GL.glGetProgramInfoLog(self._id))

    def use(self, uniforms: Mapping[str, float | int | tuple[float, ...]]) -> None:
        """Make the program current and set uniforms; an int is a texture unit."""
        GL.glUseProgram(self._id)
        for name, value in uniforms.items():
            place = GL.glGetUniformLocation(self._id, name)
            if isinstance(value, int):
                GL.glUniform1i(place, value)
            elif isinstance(value, float):
                GL.glUniform1f(place, value)
            else:
                (GL.glUniform2f, GL.glUniform3f, GL.glUniform4f)[len(value) - 2](place, *value)


def _compiled(kind: int, source: str) -> int:
    shader: int = GL.glCreateShader(kind)
    GL.glShaderSource(shader, source)
    GL.glCompileShader(shader)
    if not GL.glGetShaderiv(shader, GL.GL_COMPILE_STATUS):
        raise _refused(GL.glGetShaderInfoLog(shader))
    return shader


def _refused(log: bytes | str) -> AnnotatorError:
    words = log.decode(errors="replace") if isinstance(log, bytes) else log
    return AnnotatorError(
        f"The graphics driver refused the 3D view's program: {words.strip()}",
        "Choose the software renderer in the preferences.",
    )


class PointBuffers:
    """Positions, own colours and labels of N points, as one vertex array."""

    _LAYOUT = ((12, 3, GL.GL_FLOAT), (4, 4, GL.GL_UNSIGNED_BYTE), (2, 1, GL.GL_UNSIGNED_SHORT))
    POSITION, BASE, LABEL = range(3)

    def __init__(self, count: int) -> None:
        self._array = GL.glGenVertexArrays(1)
        self._buffers = [int(b) for b in np.atleast_1d(GL.glGenBuffers(3))]
        GL.glBindVertexArray(self._array)
        for place, (size, parts, kind) in enumerate(self._LAYOUT):
            GL.glBindBuffer(GL.GL_ARRAY_BUFFER, self._buffers[place])
            GL.glBufferData(GL.GL_ARRAY_BUFFER, max(1, count) * size, None, GL.GL_DYNAMIC_DRAW)
            GL.glEnableVertexAttribArray(place)
            start = ctypes.c_void_p(0)
            if kind == GL.GL_UNSIGNED_SHORT:
                GL.glVertexAttribIPointer(place, parts, kind, size, start)
            else:
                GL.glVertexAttribPointer(place, parts, kind, kind != GL.GL_FLOAT, size, start)
        GL.glBindVertexArray(0)

    def upload(self, which: int, first: int, values: Array) -> None:
        """Replace the values of one kind from point `first` on."""
        data = np.ascontiguousarray(values)
        GL.glBindBuffer(GL.GL_ARRAY_BUFFER, self._buffers[which])
        offset = first * self._LAYOUT[which][0]
        GL.glBufferSubData(GL.GL_ARRAY_BUFFER, offset, data.nbytes, data)

    def draw(self, count: int) -> None:
        """Draw the first `count` points with the current program."""
        GL.glBindVertexArray(self._array)
        GL.glDrawArrays(GL.GL_POINTS, 0, count)
        GL.glBindVertexArray(0)

    def free(self) -> None:
        """Give the memory back."""
        GL.glDeleteBuffers(len(self._buffers), self._buffers)
        GL.glDeleteVertexArrays(1, [self._array])


class Target:
    """A picture of given size in device pixels: colours, and ids with depth bits."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._frame = GL.glGenFramebuffers(1)
        GL.glBindFramebuffer(GL.GL_FRAMEBUFFER, self._frame)
        self.colours = self._texture(GL.GL_RGBA8, GL.GL_RGBA, GL.GL_UNSIGNED_BYTE, 0)
        self.what = self._texture(GL.GL_RG32UI, GL.GL_RG_INTEGER, GL.GL_UNSIGNED_INT, 1)
        self._depth = GL.glGenRenderbuffers(1)
        GL.glBindRenderbuffer(GL.GL_RENDERBUFFER, self._depth)
        GL.glRenderbufferStorage(GL.GL_RENDERBUFFER, GL.GL_DEPTH_COMPONENT32F, width, height)
        GL.glFramebufferRenderbuffer(
            GL.GL_FRAMEBUFFER, GL.GL_DEPTH_ATTACHMENT, GL.GL_RENDERBUFFER, self._depth
        )
        if GL.glCheckFramebufferStatus(GL.GL_FRAMEBUFFER) != GL.GL_FRAMEBUFFER_COMPLETE:
            raise _refused("incomplete framebuffer")

    def _texture(self, stored: int, layout: int, kind: int, attachment: int) -> int:
        texture: int = GL.glGenTextures(1)
        GL.glBindTexture(GL.GL_TEXTURE_2D, texture)
        GL.glTexImage2D(GL.GL_TEXTURE_2D, 0, stored, self.width, self.height, 0, layout, kind, None)
        nearest(GL.GL_TEXTURE_2D)
        GL.glFramebufferTexture2D(
            GL.GL_FRAMEBUFFER, GL.GL_COLOR_ATTACHMENT0 + attachment, GL.GL_TEXTURE_2D, texture, 0
        )
        return texture

    def begin(self) -> None:
        """Draw into it from now on; clears it."""
        GL.glBindFramebuffer(GL.GL_FRAMEBUFFER, self._frame)
        GL.glDrawBuffers(2, [GL.GL_COLOR_ATTACHMENT0, GL.GL_COLOR_ATTACHMENT1])
        GL.glViewport(0, 0, self.width, self.height)
        GL.glDisable(GL.GL_BLEND)
        GL.glDisable(GL.GL_SCISSOR_TEST)
        GL.glEnable(GL.GL_DEPTH_TEST)
        GL.glDepthMask(GL.GL_TRUE)
        GL.glDepthFunc(GL.GL_LESS)
        GL.glEnable(GL.GL_PROGRAM_POINT_SIZE)
        GL.glClearBufferfv(GL.GL_COLOR, 0, np.zeros(4, np.float32))
        GL.glClearBufferuiv(GL.GL_COLOR, 1, np.full(4, 0xFFFFFFFF, np.uint32))
        GL.glClearBufferfv(GL.GL_DEPTH, 0, np.ones(1, np.float32))

    def read(self, left: int, top: int, width: int, height: int) -> npt.NDArray[np.uint32]:
        """Return ids and depth bits [height, width, 2] of a window, rows from the top."""
        values = np.empty((height, width, 2), np.uint32)
        GL.glBindFramebuffer(GL.GL_READ_FRAMEBUFFER, self._frame)
        GL.glReadBuffer(GL.GL_COLOR_ATTACHMENT1)
        GL.glPixelStorei(GL.GL_PACK_ALIGNMENT, 4)
        bottom = self.height - top - height
        GL.glReadPixels(left, bottom, width, height, GL.GL_RG_INTEGER, GL.GL_UNSIGNED_INT, values)
        return values[::-1]

    def free(self) -> None:
        """Give the memory back."""
        GL.glDeleteTextures([self.colours, self.what])
        GL.glDeleteRenderbuffers(1, [self._depth])
        GL.glDeleteFramebuffers(1, [self._frame])


class Palette:
    """The 65,536 colours of label slots, as a 256 x 256 texture."""

    def __init__(self) -> None:
        self.texture: int = GL.glGenTextures(1)
        GL.glBindTexture(GL.GL_TEXTURE_2D, self.texture)
        nearest(GL.GL_TEXTURE_2D)

    def upload(self, packed: npt.NDArray[np.uint32], hidden: npt.NDArray[np.bool_]) -> None:
        """Take packed colours [65536]; hidden ones become transparent."""
        colours = np.where(hidden, packed & np.uint32(0x00FFFFFF), packed)
        # As bytes: PyOpenGL would convert (and so cut off) other types by value.
        texels = np.ascontiguousarray(colours).view(np.uint8)
        GL.glBindTexture(GL.GL_TEXTURE_2D, self.texture)
        GL.glPixelStorei(GL.GL_UNPACK_ALIGNMENT, 4)
        GL.glTexImage2D(
            GL.GL_TEXTURE_2D, 0, GL.GL_RGBA8, 256, 256, 0, GL.GL_BGRA, GL.GL_UNSIGNED_BYTE, texels
        )


def nearest(target: int) -> None:
    """Let the bound texture be read texel by texel."""
    for name in (GL.GL_TEXTURE_MIN_FILTER, GL.GL_TEXTURE_MAG_FILTER):
        GL.glTexParameteri(target, name, GL.GL_NEAREST)


def bind_texture(unit: int, texture: int) -> None:
    """Make a texture readable at a unit."""
    GL.glActiveTexture(GL.GL_TEXTURE0 + unit)
    GL.glBindTexture(GL.GL_TEXTURE_2D, texture)


def draw_screen(frame: int, width: int, height: int) -> None:
    """Cover a frame buffer with the current program's fragments."""
    GL.glBindFramebuffer(GL.GL_FRAMEBUFFER, frame)
    GL.glViewport(0, 0, width, height)
    GL.glDisable(GL.GL_DEPTH_TEST)
    GL.glDisable(GL.GL_BLEND)
    blank = GL.glGenVertexArrays(1)
    GL.glBindVertexArray(blank)
    GL.glDrawArrays(GL.GL_TRIANGLES, 0, 3)
    GL.glBindVertexArray(0)
    GL.glDeleteVertexArrays(1, [blank])
    GL.glUseProgram(0)
