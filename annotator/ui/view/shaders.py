"""The two OpenGL 3.3 programs: points into id, depth and colour; those onto the screen."""

POINT_VERTEX = """#version 330 core
layout(location = 0) in vec3 position;      // metres from the cloud's centre
layout(location = 1) in vec4 base;          // packed 0xFFRRGGBB: blue, green, red, alpha
layout(location = 2) in uint label;         // palette slot
uniform vec4 across, down, away;            // pixels * depth from the middle; depth
uniform vec2 half_size;                     // pixels
uniform float near, point_size, opacity;
uniform vec3 clip_low, clip_high;
uniform sampler2D palette;                  // 256 x 256 slots; alpha 0 hides
flat out vec3 colour;
flat out uint id;
flat out float depth;

void main() {
    vec4 p = vec4(position, 1.0);
    depth = dot(away, p);
    vec4 own = texelFetch(palette, ivec2(label & 255u, label >> 8u), 0);
    colour = mix(base.bgr, own.rgb, label == 0u ? 0.0 : opacity);
    id = uint(gl_VertexID);
    bool inside = all(greaterThanEqual(position, clip_low))
               && all(lessThanEqual(position, clip_high));
    // An infinite far plane: nothing is cut off behind, and depth keeps enough precision.
    gl_Position = inside && own.a > 0.5
        ? vec4(dot(across, p) / half_size.x, -dot(down, p) / half_size.y, depth - 2.0 * near, depth)
        : vec4(2.0, 2.0, 2.0, 1.0);
    gl_PointSize = point_size;
}
"""

POINT_FRAGMENT = """#version 330 core
uniform float point_size;
flat in vec3 colour;
flat in uint id;
flat in float depth;
layout(location = 0) out vec4 shown;
layout(location = 1) out uvec2 what;        // id, bits of the depth

void main() {
    if (point_size > 3.5 && length(gl_PointCoord - 0.5) > 0.5) discard;
    shown = vec4(colour, 1.0);
    what = uvec2(id, floatBitsToUint(depth));
}
"""

SCREEN_VERTEX = """#version 330 core
void main() {  // one triangle that covers the screen
    gl_Position = vec4(gl_VertexID == 1 ? 3.0 : -1.0, gl_VertexID == 2 ? 3.0 : -1.0, 0.0, 1.0);
}
"""

SCREEN_FRAGMENT = """#version 330 core
uniform sampler2D colours;
uniform usampler2D what;
uniform vec3 background;
uniform float strength, darkest;            // strength 0: no edge shading
out vec4 shown;

float nearer(float depth, ivec2 at) {
    ivec2 size = textureSize(what, 0);
    if (any(lessThan(at, ivec2(0))) || any(greaterThanEqual(at, size))) return depth;
    uvec2 there = texelFetch(what, at, 0).rg;
    return there.r == 0xFFFFFFFFu ? depth : min(depth, uintBitsToFloat(there.g));
}

void main() {
    ivec2 at = ivec2(gl_FragCoord.xy);
    uvec2 here = texelFetch(what, at, 0).rg;
    if (here.r == 0xFFFFFFFFu) {
        shown = vec4(background, 1.0);
        return;
    }
    float depth = uintBitsToFloat(here.g);
    float nearest = depth;
    nearest = nearer(nearest, at + ivec2(1, 0));
    nearest = nearer(nearest, at - ivec2(1, 0));
    nearest = nearer(nearest, at + ivec2(0, 1));
    nearest = nearer(nearest, at - ivec2(0, 1));
    float bright = max(darkest, depth / (depth + strength * (depth - nearest)));
    shown = vec4(texelFetch(colours, at, 0).rgb * bright, 1.0);
}
"""
