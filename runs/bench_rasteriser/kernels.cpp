// The rasteriser's kernels in C++ with OpenMP: a yardstick for runs/bench_rasteriser.py, nothing else.
//
// Names, arguments and arithmetic are those of src/shapecycle/rasterize/warp_backend/kernels/, so
// that the benchmark can exchange one compiler for the other. Work is shared out by batch item, so
// that no addition needs to be atomic.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <omp.h>

using std::max;
using std::min;

namespace {

constexpr int64_t EMPTY = INT64_MAX;
constexpr float DEPTH_STEPS = float(1 << 30);
constexpr float TINY = 1.17549435e-38f, SLACK = 1e-3f, FAR_OUT = 1e30f;
constexpr float DEPTH_BIAS = 1e-4f, OFFSET_STEPS = 2047.f, MIN_W = 1e-6f;

struct V2 { float x, y; };
struct V3 { float x, y, z; };
struct V4 { float x, y, z, w; };

V3 operator+(V3 a, V3 b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
V3 operator-(V3 a, V3 b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }
V3 operator*(V3 a, float s) { return {a.x * s, a.y * s, a.z * s}; }
V3 &operator+=(V3 &a, V3 b) { return a = a + b; }
V4 mix(V4 a, V4 b, float t) {
  return {a.x + t * (b.x - a.x), a.y + t * (b.y - a.y), a.z + t * (b.z - a.z), a.w + t * (b.w - a.w)};
}
float dot(V3 a, V3 b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
V3 cross(V3 a, V3 b) { return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x}; }

float pixel_x(int j, int width) { return float(2 * j + 1) * (1.f / width) - 1.f; }
float pixel_y(int i, int height) { return 1.f - float(2 * i + 1) * (1.f / height); }
V2 to_screen(V4 v, int height, int width) {
  float half = 0.5f / v.w;
  return {(v.x * half + 0.5f) * width, (0.5f - v.y * half) * height};
}
float depth_of(int64_t key) {
  return key == EMPTY ? 3.f : float(key >> 32) * (2.f / DEPTH_STEPS) - 1.f;
}

// ---- visibility ------------------------------------------------------------------------------

struct Box { V2 low, high; };

void widen(Box &box, V4 v, int height, int width) {
  if (v.w <= TINY) {
    box = {{-FAR_OUT, -FAR_OUT}, {FAR_OUT, FAR_OUT}};
    return;
  }
  V2 p = to_screen(v, height, width);
  box.low = {min(box.low.x, p.x), min(box.low.y, p.y)};
  box.high = {max(box.high.x, p.x), max(box.high.y, p.y)};
}

Box screen_box(const V4 *corner, int height, int width) {
  Box box = {{FAR_OUT, FAR_OUT}, {-FAR_OUT, -FAR_OUT}};
  for (int k = 0; k < 3; k++) {
    V4 v = corner[k], next = corner[(k + 1) % 3];
    float here = v.z + v.w, there = next.z + next.w;
    if (here >= 0) widen(box, v, height, width);
    if ((here >= 0) != (there >= 0)) widen(box, mix(v, next, here / (here - there)), height, width);
  }
  return box;
}

int first_pixel(float low, int length) {
  return max(int(std::ceil(min(max(low - 0.5f - SLACK, -1.f), float(length + 1)))), 0);
}
int last_pixel(float high, int length) {
  return min(int(std::floor(min(max(high - 0.5f + SLACK, -2.f), float(length)))), length - 1);
}

bool owns_its_line(V4 a, V4 b) {
  float slope_x = a.y * b.w - b.y * a.w, slope_y = b.x * a.w - a.x * b.w;
  return slope_x > 0 || (slope_x == 0 && slope_y > 0);
}

struct Edges { float e0, e1, e2; };

Edges edge_functions(V4 a, V4 b, V4 c, float px, float py) {
  float x0 = a.x - px * a.w, x1 = b.x - px * b.w, x2 = c.x - px * c.w;
  float y0 = a.y - py * a.w, y1 = b.y - py * b.w, y2 = c.y - py * c.w;
  return {x1 * y2 - y1 * x2, x2 * y0 - y2 * x0, x0 * y1 - y0 * x1};
}

void draw_face(const V4 *corner, int face, int height, int width, const int64_t *behind, int cull, int64_t *key) {
  Box box = screen_box(corner, height, width);
  int left = first_pixel(box.low.x, width), right = last_pixel(box.high.x, width);
  int top = first_pixel(box.low.y, height), bottom = last_pixel(box.high.y, height);
  if (left > right || top > bottom) return;
  V4 a = corner[0], b = corner[1], c = corner[2];
  Edges e = edge_functions(a, b, c, pixel_x(left, width), pixel_y(top, height));
  if (e.e0 * a.w + e.e1 * b.w + e.e2 * c.w < 0) {
    if (cull) return;
    std::swap(a, b);
  }
  for (int i = top; i <= bottom; i++)
    for (int j = left; j <= right; j++) {
      e = edge_functions(a, b, c, pixel_x(j, width), pixel_y(i, height));
      float least = min(e.e0, min(e.e1, e.e2));
      if (least < 0) continue;
      if (least == 0 && !((e.e0 > 0 || owns_its_line(b, c)) && (e.e1 > 0 || owns_its_line(c, a)) &&
                          (e.e2 > 0 || owns_its_line(a, b))))
        continue;
      float depth = (e.e0 * a.z + e.e1 * b.z + e.e2 * c.z) / (e.e0 * a.w + e.e1 * b.w + e.e2 * c.w);
      if (!(depth >= -1 && depth <= 1)) continue;
      int64_t rank = (int64_t((depth * 0.5f + 0.5f) * DEPTH_STEPS) << 32) | face;
      int pixel = i * width + j;
      if (!behind || rank > behind[pixel]) key[pixel] = min(key[pixel], rank);
    }
}

// ---- a pixel's face --------------------------------------------------------------------------

struct FaceSample { int i0, i1, i2; float x[3], y[3], total, w[3]; };

FaceSample sample_face(const V4 *clip, const int32_t *corner, int base, float px, float py) {
  FaceSample s = {base + corner[0], base + corner[1], base + corner[2]};
  V4 v[3] = {clip[s.i0], clip[s.i1], clip[s.i2]};
  for (int k = 0; k < 3; k++) s.x[k] = v[k].x - px * v[k].w, s.y[k] = v[k].y - py * v[k].w;
  float e0 = s.x[1] * s.y[2] - s.y[1] * s.x[2], e1 = s.x[2] * s.y[0] - s.y[2] * s.x[0];
  float e2 = s.x[0] * s.y[1] - s.y[0] * s.x[1];
  s.total = e0 + e1 + e2;
  s.w[0] = e0 / s.total, s.w[1] = e1 / s.total, s.w[2] = e2 / s.total;
  return s;
}

void add_clip(float *grad, int row, float dx, float dy, float dw) {
  grad[row * 4] += dx, grad[row * 4 + 1] += dy, grad[row * 4 + 3] += dw;
}

void add_weights(float *grad, const FaceSample &s, const float *g, float px, float py) {
  float inverse = 1.f / s.total, mean = g[0] * s.w[0] + g[1] * s.w[1] + g[2] * s.w[2];
  float h0 = (g[0] - mean) * inverse, h1 = (g[1] - mean) * inverse, h2 = (g[2] - mean) * inverse;
  const float *x = s.x, *y = s.y;
  auto add = [&](int row, float dx, float dy) { add_clip(grad, row, dx, dy, -px * dx - py * dy); };
  add(s.i0, h2 * y[1] - h1 * y[2], h1 * x[2] - h2 * x[1]);
  add(s.i1, h0 * y[2] - h2 * y[0], h2 * x[0] - h0 * x[2]);
  add(s.i2, h1 * y[0] - h0 * y[1], h0 * x[1] - h1 * x[0]);
}

void clear(float *image, int pixels, int channels) {
#pragma omp parallel for
  for (int k = 0; k < channels; k++) std::fill_n(image + int64_t(k) * pixels, pixels, 0.f);
}

// Call visit(instance, pixel, row of the face's corners, px, py) for every pixel that sees a face.
template <class Visit>
void for_seen(int items, const int64_t *key, int height, int width, int face_stride, Visit visit) {
  int pixels = height * width;
#pragma omp parallel for schedule(dynamic)
  for (int instance = 0; instance < items / pixels; instance++)
    for (int pixel = 0; pixel < pixels; pixel++) {
      int64_t rank = key[int64_t(instance) * pixels + pixel];
      if (rank == EMPTY) continue;
      int i = pixel / width, row = instance * face_stride + int(rank & 0xFFFFFFFF) * 3;
      visit(instance, pixel, row, pixel_x(pixel - i * width, width), pixel_y(i, height));
    }
}

// ---- the edge walk ---------------------------------------------------------------------------

int side_of(V4 a, V4 b, V4 c) {
  float bx = b.x * a.w - a.x * b.w, by = b.y * a.w - a.y * b.w;
  float cx = c.x * a.w - a.x * c.w, cy = c.y * a.w - a.y * c.w;
  float turn = bx * cy - by * cx;
  return (turn > 0) - (turn < 0);
}

float near_cut(V4 v, V4 other) {
  float here = v.z + v.w, there = other.z + other.w;
  return here >= 0 ? 0.f : there <= 0 ? 1.f : here / (here - there);
}

int line_bound(float value, int limit) {
  return int(std::ceil(min(max(value - 0.5f, -1.f), float(limit))));
}

struct Walk {
  int instance, edge, i, j;
  float cut_i, cut_j;
  V4 start, end;
  bool steep, inner_is_lower;
  float along0, along1, across0, across1, depth0, depth1;
  int first, stop, length;
};

Walk start_walk(const V4 *clip, int vertices, const int32_t *edges, int edge_count, int edge_stride, int coded,
                int height, int width) {
  Walk w;
  int item = coded / 2;
  bool left = coded % 2 == 1;
  w.instance = item / edge_count, w.edge = item % edge_count;
  const int32_t *row = edges + w.instance * edge_stride + w.edge * 4;
  w.i = w.instance * vertices + row[0], w.j = w.instance * vertices + row[1];
  V4 a = clip[w.i], b = clip[w.j];
  w.cut_i = near_cut(a, b), w.cut_j = near_cut(b, a);
  w.start = mix(a, b, w.cut_i), w.end = mix(b, a, w.cut_j);
  V2 p = to_screen(w.start, height, width), q = to_screen(w.end, height, width);
  w.depth0 = w.start.z / w.start.w, w.depth1 = w.end.z / w.end.w;
  w.steep = std::abs(q.y - p.y) >= std::abs(q.x - p.x);
  int lines = w.steep ? height : width;
  w.length = w.steep ? width : height;
  w.along0 = w.steep ? p.y : p.x, w.along1 = w.steep ? q.y : q.x;
  w.across0 = w.steep ? p.x : p.y, w.across1 = w.steep ? q.x : q.y;
  w.inner_is_lower = left == (w.steep ? q.y < p.y : q.x > p.x);
  w.first = max(line_bound(min(w.along0, w.along1), lines), 0);
  w.stop = line_bound(max(w.along0, w.along1), lines);
  return w;
}

struct Crossing { float share, excess, outwards; int slot, rank, inner, outer; };

Crossing cross_line(const Walk &w, int line, int height, int width) {
  Crossing c;
  c.slot = -1;
  c.share = (line + 0.5f - w.along0) / (w.along1 - w.along0);
  float position = w.across0 + c.share * (w.across1 - w.across0);
  int lower = int(std::floor(min(max(position - 0.5f, -2.f), 1e6f)));
  if (lower < 0 || lower + 1 >= w.length) return c;
  int inner = w.inner_is_lower ? lower : lower + 1, outer = w.inner_is_lower ? lower + 1 : lower;
  int direction = w.inner_is_lower + (w.steep ? 0 : 2);
  c.outwards = w.inner_is_lower ? 1.f : -1.f;
  c.excess = (position - float(lower + 1)) * c.outwards;
  c.rank = (int(std::abs(position - 0.5f - inner) * OFFSET_STEPS) << 20) | w.edge;
  c.inner = w.steep ? line * width + inner : inner * width + line;
  c.outer = w.steep ? line * width + outer : outer * width + line;
  c.slot = (w.instance * 4 + direction) * height * width + c.inner;
  return c;
}

float plane_depth(V4 a, V4 b, V4 c, float px, float py) {
  Edges e = edge_functions(a, b, c, px, py);
  return (e.e0 * a.z + e.e1 * b.z + e.e2 * c.z) / (e.e0 * a.w + e.e1 * b.w + e.e2 * c.w);
}

// ---- light and texture -----------------------------------------------------------------------

constexpr float C0 = 0.28209479f, C1 = 0.48860251f, C2 = 1.09254843f, C20 = 0.31539157f, C22 = 0.54627422f;

void basis_of(V3 n, float *basis) {
  float x = n.x, y = n.y, z = n.z;
  float values[9] = {C0, C1 * y, C1 * z, C1 * x, C2 * x * y, C2 * y * z, C20 * (3 * z * z - 1), C2 * x * z,
                     C22 * (x * x - y * y)};
  std::copy(values, values + 9, basis);
}

V3 basis_adjoint(V3 n, const float *g) {
  return {C1 * g[3] + C2 * (g[4] * n.y + g[7] * n.z) + 2 * C22 * g[8] * n.x,
          C1 * g[1] + C2 * (g[4] * n.x + g[5] * n.z) - 2 * C22 * g[8] * n.y,
          C1 * g[2] + C2 * (g[5] * n.y + g[7] * n.x) + 6 * C20 * g[6] * n.z};
}

float decode(float v) { return v <= 0.04045f ? v / 12.92f : std::pow((v + 0.055f) / 1.055f, 2.4f); }
float encode(float v) { return v <= 0.0031308f ? 12.92f * v : 1.055f * std::pow(v, 1 / 2.4f) - 0.055f; }

float light_up(float value, float shade) {
  if (value > 0.04045f) {
    float lit = (value + 0.055f) * std::exp(std::log(shade) / 2.4f);
    if (lit > 0.0955f) return min(lit - 0.055f, 1.f);
  }
  return encode(min(max(decode(value) * shade, 1e-4f), 1.f));
}

V2 light_up_slopes(float value, float shade, float result) {
  if (value > 0.04045f && result > 0.0405f) {
    if (result >= 1) return {0, 0};
    return {(result + 0.055f) / (value + 0.055f), (result + 0.055f) / (2.4f * shade)};
  }
  float decoded = decode(value), linear = decoded * shade;
  if (linear < 1e-4f || linear > 1) return {0, 0};
  float slope = linear > 0.0031308f ? (result + 0.055f) / (2.4f * linear) : 12.92f;
  float inner = value > 0.04045f ? 2.4f * decoded / (value + 0.055f) : 1 / 12.92f;
  return {slope * shade * inner, slope * decoded};
}

struct Texels { int at00, at01, at10, at11; float fx, fy, scale_x, scale_y; };

Texels find_texels(V2 uv, int height, int width) {
  float x = uv.x * width - 0.5f, y = (1 - uv.y) * height - 0.5f;
  Texels t;
  t.scale_x = x < 0 || x > width - 1 ? 0.f : width, t.scale_y = y < 0 || y > height - 1 ? 0.f : -height;
  x = min(max(x, 0.f), float(width - 1)), y = min(max(y, 0.f), float(height - 1));
  int left = int(x), top = int(y), right = min(left + 1, width - 1), bottom = min(top + 1, height - 1);
  t.fx = x - left, t.fy = y - top;
  t.at00 = top * width + left, t.at01 = top * width + right;
  t.at10 = bottom * width + left, t.at11 = bottom * width + right;
  return t;
}

V3 spread(const V3 *v, const FaceSample &s) { return v[s.i0] * s.w[0] + v[s.i1] * s.w[1] + v[s.i2] * s.w[2]; }

V2 spread_uv(const V2 *uv, const int32_t *row, const FaceSample &s) {
  V2 a = uv[row[0]], b = uv[row[1]], c = uv[row[2]];
  return {a.x * s.w[0] + b.x * s.w[1] + c.x * s.w[2], a.y * s.w[0] + b.y * s.w[1] + c.y * s.w[2]};
}

V3 shade_of(const float *basis, const V3 *light) {
  V3 shade = {0, 0, 0};
  for (int k = 0; k < 9; k++) shade += light[k] * basis[k];
  return shade;
}

}  // namespace

extern "C" {

void use_threads(int count) { omp_set_num_threads(count); }

void rasterize(int items, const V4 *clip, const int32_t *faces, int vertices, int face_count, int face_stride,
               int height, int width, int peel, const int64_t *behind, int cull, int64_t *key) {
#pragma omp parallel for schedule(dynamic)
  for (int instance = 0; instance < items / face_count; instance++) {
    int64_t first = int64_t(instance) * height * width;
    for (int face = 0; face < face_count; face++) {
      const int32_t *row = faces + instance * face_stride + face * 3;
      if (row[0] == row[1] || row[1] == row[2] || row[2] == row[0]) continue;
      const V4 *base = clip + instance * vertices;
      V4 corner[3] = {base[row[0]], base[row[1]], base[row[2]]};
      draw_face(corner, face, height, width, peel ? behind + first : nullptr, cull, key + first);
    }
  }
}

void interpolate(int items, const float *attributes, int attribute_stride, const int32_t *attribute_faces,
                 int channels, const V4 *clip, int vertices, const int32_t *faces, int face_stride,
                 const int64_t *key, int height, int width, float *image) {
  int pixels = height * width;
  clear(image, items, channels);
  for_seen(items, key, height, width, face_stride, [=](int instance, int pixel, int row, float px, float py) {
    FaceSample s = sample_face(clip, faces + row, instance * vertices, px, py);
    const float *table = attributes + instance * attribute_stride;
    const int32_t *r = attribute_faces + row;
    for (int k = 0; k < channels; k++)
      image[(instance * channels + k) * pixels + pixel] = table[r[0] * channels + k] * s.w[0] +
                                                          table[r[1] * channels + k] * s.w[1] +
                                                          table[r[2] * channels + k] * s.w[2];
  });
}

void interpolate_adjoint(int items, const float *attributes, int attribute_stride, const int32_t *attribute_faces,
                         int channels, const V4 *clip, int vertices, const int32_t *faces, int face_stride,
                         const int64_t *key, int height, int width, const float *image_grad, int wants_attributes,
                         int wants_clip, float *attributes_grad, float *clip_grad) {
  int pixels = height * width;
  for_seen(items, key, height, width, face_stride, [=](int instance, int pixel, int row, float px, float py) {
    FaceSample s = sample_face(clip, faces + row, instance * vertices, px, py);
    float g[3] = {0, 0, 0};
    for (int k = 0; k < channels; k++) {
      float pull = image_grad[(instance * channels + k) * pixels + pixel];
      for (int m = 0; m < 3; m++) {
        int at = instance * attribute_stride + attribute_faces[row + m] * channels + k;
        if (wants_attributes) attributes_grad[at] += pull * s.w[m];
        g[m] += pull * attributes[at];
      }
    }
    if (wants_clip) add_weights(clip_grad, s, g, px, py);
  });
}

void mark_outermost(int items, const V4 *clip, int vertices, const int32_t *edges, int edge_count, int edge_stride,
                    const int64_t *key, int height, int width, int32_t *best, int32_t *found, int32_t *count) {
#pragma omp parallel for schedule(dynamic)
  for (int instance = 0; instance < items / edge_count; instance++) {
    const V4 *base = clip + instance * vertices;
    const int64_t *keys = key + int64_t(instance) * height * width;
    for (int edge = 0; edge < edge_count; edge++) {
      const int32_t *row = edges + instance * edge_stride + edge * 4;
      if (row[0] == row[1]) continue;
      V4 a = base[row[0]], b = base[row[1]];
      float cut_a = near_cut(a, b), cut_b = near_cut(b, a);
      if (cut_a >= 1 || cut_b >= 1) continue;
      V4 start = mix(a, b, cut_a), end = mix(b, a, cut_b);
      if (start.w <= MIN_W || end.w <= MIN_W) continue;
      int first = row[2] >= 0 ? side_of(start, end, base[row[2]]) : 0;
      int second = row[3] >= 0 ? side_of(start, end, base[row[3]]) : 0;
      if (first * second < 0 || first + second == 0) continue;
      int coded = (instance * edge_count + edge) * 2 + (first + second > 0);
      Walk w = start_walk(clip, vertices, edges, edge_count, edge_stride, coded, height, width);
      bool marked = false;
      for (int line = w.first; line < w.stop; line++) {
        Crossing c = cross_line(w, line, height, width);
        if (c.slot < 0) continue;
        float depth = w.depth0 + c.share * (w.depth1 - w.depth0);
        float within = depth_of(keys[c.inner]), beyond = depth_of(keys[c.outer]);
        if (within > 1 || depth < -1 || depth > 1 || beyond < depth - DEPTH_BIAS) continue;
        float px = pixel_x(c.inner % width, width), py = pixel_y(c.inner / width, height), surface = 4;
        if (first) surface = min(surface, plane_depth(a, b, base[row[2]], px, py));
        if (second) surface = min(surface, plane_depth(a, b, base[row[3]], px, py));
        if (within < surface - DEPTH_BIAS) continue;
        best[c.slot] = max(best[c.slot], c.rank);
        marked = true;
      }
      if (!marked) continue;
      found[instance * edge_count + count[instance]++] = coded;
    }
  }
}

void antialias(int items, const int32_t *found, const int32_t *count, int lanes, const V4 *clip, int vertices,
               const int32_t *edges, int edge_count, int edge_stride, const int32_t *best, int height, int width,
               int channels, const float *image, float *result) {
#pragma omp parallel for schedule(dynamic)
  for (int instance = 0; instance < items / lanes; instance++) for (int n = 0; n < count[instance]; n++) {
    int coded = found[instance * edge_count + n];
    Walk w = start_walk(clip, vertices, edges, edge_count, edge_stride, coded, height, width);
    for (int line = w.first; line < w.stop; line++) {
      Crossing c = cross_line(w, line, height, width);
      if (c.slot < 0 || best[c.slot] != c.rank) continue;
      for (int k = 0; k < channels; k++) {
        int base = (w.instance * channels + k) * height * width;
        float change = c.excess * (image[base + c.inner] - image[base + c.outer]);
        result[base + (c.excess > 0 ? c.outer : c.inner)] += change;
      }
    }
  }
}

void antialias_adjoint(int items, const int32_t *found, const int32_t *count, int lanes, const V4 *clip, int vertices,
                       const int32_t *edges, int edge_count, int edge_stride, const int32_t *best, int height,
                       int width, int channels, const float *image, const float *result_grad, float *image_grad,
                       float *clip_grad) {
#pragma omp parallel for schedule(dynamic)
  for (int instance = 0; instance < items / lanes; instance++) for (int n = 0; n < count[instance]; n++) {
    int coded = found[instance * edge_count + n];
    Walk w = start_walk(clip, vertices, edges, edge_count, edge_stride, coded, height, width);
    float slope = (w.across1 - w.across0) / (w.along1 - w.along0), across0 = 0, across1 = 0;
    for (int line = w.first; line < w.stop; line++) {
      Crossing c = cross_line(w, line, height, width);
      if (c.slot < 0 || best[c.slot] != c.rank) continue;
      float pull = 0;
      for (int k = 0; k < channels; k++) {
        int base = (w.instance * channels + k) * height * width;
        float g = result_grad[base + (c.excess > 0 ? c.outer : c.inner)];
        pull += g * (image[base + c.inner] - image[base + c.outer]);
        image_grad[base + c.inner] += c.excess * g;
        image_grad[base + c.outer] += -c.excess * g;
      }
      across0 += pull * c.outwards * (1 - c.share), across1 += pull * c.outwards * c.share;
    }
    auto to_clip = [&](V4 v, float across) {
      float x = w.steep ? across : -slope * across, y = w.steep ? -slope * across : across;
      float gx = x * 0.5f * width / v.w, gy = y * -0.5f * height / v.w;
      return V3{gx, gy, -(gx * v.x + gy * v.y) / v.w};
    };
    V3 di = to_clip(w.start, across0), dj = to_clip(w.end, across1);
    V3 gi = di * (1 - w.cut_i) + dj * w.cut_j, gj = dj * (1 - w.cut_j) + di * w.cut_i;
    float parts[2][3] = {{gi.x, gi.y, gi.z}, {gj.x, gj.y, gj.z}};
    for (int end = 0; end < 2; end++)
      for (int k = 0; k < 3; k++) clip_grad[(end ? w.j : w.i) * 4 + k + (k == 2)] += parts[end][k];
  }
}

void add_face_normals(int items, const V3 *vertices, int vertex_count, const int32_t *faces, int face_count,
                      int face_stride, V3 *total) {
#pragma omp parallel for
  for (int instance = 0; instance < items / face_count; instance++)
    for (int face = 0; face < face_count; face++) {
      const int32_t *row = faces + instance * face_stride + face * 3;
      const V3 *base = vertices + instance * vertex_count;
      V3 a = base[row[0]], normal = cross(base[row[1]] - a, base[row[2]] - a);
      for (int k = 0; k < 3; k++) total[instance * vertex_count + row[k]] += normal;
    }
}

void face_normals_adjoint(int items, const V3 *vertices, int vertex_count, const int32_t *faces, int face_count,
                          int face_stride, const V3 *total_grad, V3 *vertices_grad) {
#pragma omp parallel for
  for (int instance = 0; instance < items / face_count; instance++)
    for (int face = 0; face < face_count; face++) {
      const int32_t *row = faces + instance * face_stride + face * 3;
      int base = instance * vertex_count, i = base + row[0], j = base + row[1], k = base + row[2];
      V3 u = vertices[j] - vertices[i], v = vertices[k] - vertices[i];
      V3 g = total_grad[i] + total_grad[j] + total_grad[k], du = cross(v, g), dv = cross(g, u);
      vertices_grad[i] += (du + dv) * -1, vertices_grad[j] += du, vertices_grad[k] += dv;
    }
}

void to_unit(int items, const V3 *total, V3 *unit) {
#pragma omp parallel for
  for (int n = 0; n < items; n++) {
    float square = dot(total[n], total[n]);
    if (square > 1e-30f) unit[n] = total[n] * (1 / std::sqrt(square));
  }
}

void to_unit_adjoint(int items, const V3 *total, const V3 *unit_grad, V3 *total_grad) {
#pragma omp parallel for
  for (int n = 0; n < items; n++) {
    float square = dot(total[n], total[n]);
    if (square <= 1e-30f) continue;
    float shrink = 1 / std::sqrt(square);
    V3 u = total[n] * shrink;
    total_grad[n] = (unit_grad[n] - u * dot(u, unit_grad[n])) * shrink;
  }
}

void shade_textured(int items, const float *albedo, int albedo_stride, int albedo_height, int albedo_width,
                    const V2 *uv, int uv_stride, const int32_t *uv_faces, const V3 *normals, const V3 *light,
                    float darkest, const V4 *clip, int vertices, const int32_t *faces, int face_stride,
                    const int64_t *key, int height, int width, float *picture) {
  int pixels = height * width;
  clear(picture, items, 4);
  for_seen(items, key, height, width, face_stride, [=](int instance, int pixel, int row, float px, float py) {
    FaceSample s = sample_face(clip, faces + row, instance * vertices, px, py);
    V3 normal = spread(normals, s);
    normal = normal * (1 / std::sqrt(max(dot(normal, normal), 1e-12f)));
    float basis[9];
    basis_of(normal, basis);
    V3 shade = shade_of(basis, light + instance * 9);
    Texels t = find_texels(spread_uv(uv + instance * uv_stride, uv_faces + row, s), albedo_height, albedo_width);
    const float *plane = albedo + instance * albedo_stride, *s3 = &shade.x;
    float *out = picture + instance * 4 * pixels + pixel;
    for (int c = 0; c < 3; c++, plane += albedo_height * albedo_width, out += pixels) {
      float above = plane[t.at00] * (1 - t.fx) + plane[t.at01] * t.fx;
      float below = plane[t.at10] * (1 - t.fx) + plane[t.at11] * t.fx;
      *out = light_up(above * (1 - t.fy) + below * t.fy, max(s3[c], darkest));
    }
    *out = 1;
  });
}

// Gradients of tables that the whole batch shares (stride 0) would need atomic additions: the
// benchmark asks for none.
void shade_textured_adjoint(int items, const float *albedo, int albedo_stride, int albedo_height, int albedo_width,
                            const V2 *uv, int uv_stride, const int32_t *uv_faces, const V3 *normals,
                            const V3 *light, float darkest, const V4 *clip, int vertices, const int32_t *faces,
                            int face_stride, const int64_t *key, int height, int width, const float *picture,
                            const float *picture_grad, int wants_albedo, int wants_uv, int wants_geometry,
                            int wants_light, float *albedo_grad, V2 *uv_grad, V3 *normals_grad, V3 *light_grad,
                            float *clip_grad) {
  int pixels = height * width;
  for_seen(items, key, height, width, face_stride, [=](int instance, int pixel, int row, float px, float py) {
    FaceSample s = sample_face(clip, faces + row, instance * vertices, px, py);
    V3 slanted = spread(normals, s);
    float square = dot(slanted, slanted), shrink = 1 / std::sqrt(max(square, 1e-12f));
    V3 normal = slanted * shrink;
    float basis[9], basis_grad[9];
    basis_of(normal, basis);
    V3 shade = shade_of(basis, light + instance * 9), shade_grad = {0, 0, 0};
    const V2 *table = uv + instance * uv_stride;
    const int32_t *r = uv_faces + row;
    Texels t = find_texels(spread_uv(table, r, s), albedo_height, albedo_width);
    float u_grad = 0, v_grad = 0, *s3 = &shade.x, *g3 = &shade_grad.x;
    for (int c = 0; c < 3; c++) {
      int64_t plane = int64_t(instance) * albedo_stride + c * albedo_height * albedo_width;
      int64_t out = (int64_t(instance) * 4 + c) * pixels + pixel;
      const float *q = albedo + plane;
      float a = q[t.at00], b = q[t.at01], d = q[t.at10], e = q[t.at11];
      float value = (a * (1 - t.fx) + b * t.fx) * (1 - t.fy) + (d * (1 - t.fx) + e * t.fx) * t.fy;
      V2 slopes = light_up_slopes(value, max(s3[c], darkest), picture[out]);
      float g = picture_grad[out], h = g * slopes.x;
      if (s3[c] >= darkest) g3[c] = g * slopes.y;
      u_grad += h * ((b - a) * (1 - t.fy) + (e - d) * t.fy);
      v_grad += h * ((d - a) * (1 - t.fx) + (e - b) * t.fx);
      if (!wants_albedo || h == 0) continue;
      float *into = albedo_grad + plane;
      into[t.at00] += h * (1 - t.fx) * (1 - t.fy), into[t.at01] += h * t.fx * (1 - t.fy);
      into[t.at10] += h * (1 - t.fx) * t.fy, into[t.at11] += h * t.fx * t.fy;
    }
    V2 at_grad = {u_grad * t.scale_x, v_grad * t.scale_y};
    for (int m = 0; wants_uv && m < 3; m++) {
      V2 &into = uv_grad[instance * uv_stride + r[m]];
      into.x += at_grad.x * s.w[m], into.y += at_grad.y * s.w[m];
    }
    for (int k = 0; k < 9; k++) {
      if (wants_light) light_grad[instance * 9 + k] += shade_grad * basis[k];
      basis_grad[k] = dot(shade_grad, light[instance * 9 + k]);
    }
    if (!wants_geometry) return;
    V3 normal_grad = basis_adjoint(normal, basis_grad);
    if (square > 1e-12f) normal_grad = normal_grad - normal * dot(normal, normal_grad);
    normal_grad = normal_grad * shrink;
    int corner[3] = {s.i0, s.i1, s.i2};
    float g[3];
    for (int m = 0; m < 3; m++) {
      normals_grad[corner[m]] += normal_grad * s.w[m];
      g[m] = at_grad.x * table[r[m]].x + at_grad.y * table[r[m]].y + dot(normal_grad, normals[corner[m]]);
    }
    add_weights(clip_grad, s, g, px, py);
  });
}
}
