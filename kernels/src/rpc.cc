// SPDX-License-Identifier: Apache-2.0
#include "rpc.h"

#include <cmath>
#include <limits>

namespace altiplano {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr int kMaxIterations = 40;
constexpr int kMaxHalvings = 20;
// Newton goes on while it improves; this only tells a solution from a place where it got stuck.
constexpr double kAcceptedResidualPx = 1e-7;
constexpr double kResidualGoalPx = 1e-10;

// A cubic's value and its derivatives by L and P.
struct Cubic {
  double value, byL, byP;
};

Cubic evaluate(const double* c, double L, double P, double H) {
  const double value = c[0] + c[1] * L + c[2] * P + c[3] * H + c[4] * L * P + c[5] * L * H + c[6] * P * H +
                       c[7] * L * L + c[8] * P * P + c[9] * H * H + c[10] * P * L * H + c[11] * L * L * L +
                       c[12] * L * P * P + c[13] * L * H * H + c[14] * L * L * P + c[15] * P * P * P +
                       c[16] * P * H * H + c[17] * L * L * H + c[18] * P * P * H + c[19] * H * H * H;
  const double byL = c[1] + c[4] * P + c[5] * H + 2 * c[7] * L + c[10] * P * H + 3 * c[11] * L * L + c[12] * P * P +
                     c[13] * H * H + 2 * c[14] * L * P + 2 * c[17] * L * H;
  const double byP = c[2] + c[4] * L + c[6] * H + 2 * c[8] * P + c[10] * L * H + 2 * c[12] * L * P + c[14] * L * L +
                     3 * c[15] * P * P + c[16] * H * H + 2 * c[18] * P * H;
  return {value, byL, byP};
}

// A pixel coordinate and its derivatives by L and P; not finite where the denominator is zero.
Cubic ratio(const double* num, const double* den, double off, double scale, double L, double P, double H) {
  const Cubic n = evaluate(num, L, P, H);
  const Cubic d = evaluate(den, L, P, H);
  const double value = n.value / d.value;
  return {off + scale * value, scale * (n.byL - value * d.byL) / d.value, scale * (n.byP - value * d.byP) / d.value};
}

struct Position {
  Cubic col, row;
};

Position positionAt(const RpcModel& m, double L, double P, double H) {
  return {ratio(m.colNum, m.colDen, m.colOff, m.colScale, L, P, H),
          ratio(m.rowNum, m.rowDen, m.rowOff, m.rowScale, L, P, H)};
}

// Moves (L, P) to where the model hits (col, row); false where it can't.
bool solve(const RpcModel& m, double col, double row, double H, double& L, double& P) {
  Position at = positionAt(m, L, P, H);
  double residual = std::hypot(at.col.value - col, at.row.value - row);
  if (!std::isfinite(residual)) return false;
  for (int iteration = 0; iteration < kMaxIterations && residual > kResidualGoalPx; ++iteration) {
    const double determinant = at.col.byL * at.row.byP - at.col.byP * at.row.byL;
    const double dCol = col - at.col.value, dRow = row - at.row.value;
    const double dL = (at.row.byP * dCol - at.col.byP * dRow) / determinant;
    const double dP = (at.col.byL * dRow - at.row.byL * dCol) / determinant;
    // Half the step, and half again, until it helps: far from the solution a full one may cross a pole.
    double step = 1;
    bool improved = false;
    for (int halving = 0; halving < kMaxHalvings && !improved; ++halving, step /= 2) {
      const Position next = positionAt(m, L + step * dL, P + step * dP, H);
      const double nextResidual = std::hypot(next.col.value - col, next.row.value - row);
      if (nextResidual < residual) {  // false for NaN
        L += step * dL;
        P += step * dP;
        at = next;
        residual = nextResidual;
        improved = true;
      }
    }
    if (!improved) break;
  }
  return residual <= kAcceptedResidualPx;
}

}  // namespace

void rpcProject(const RpcModel& m, const double* lonLatAlt, size_t n, double* colRow) {
  for (size_t i = 0; i < n; ++i) {
    const double L = (lonLatAlt[3 * i] - m.lonOff) / m.lonScale;
    const double P = (lonLatAlt[3 * i + 1] - m.latOff) / m.latScale;
    const double H = (lonLatAlt[3 * i + 2] - m.altOff) / m.altScale;
    const Position at = positionAt(m, L, P, H);
    const bool finite = std::isfinite(at.col.value) && std::isfinite(at.row.value);
    colRow[2 * i] = finite ? at.col.value : kNaN;
    colRow[2 * i + 1] = finite ? at.row.value : kNaN;
  }
}

void rpcLocalize(const RpcModel& m, const double* colRowAlt, size_t n, double* lonLat) {
  // Samples come in neighbours, so the last solution is a start close by; but a point's result must not depend
  // on which points came with it: every one starts from the ground offset.
  for (size_t i = 0; i < n; ++i) {
    const double H = (colRowAlt[3 * i + 2] - m.altOff) / m.altScale;
    double L = 0, P = 0;
    const bool solved = solve(m, colRowAlt[3 * i], colRowAlt[3 * i + 1], H, L, P);
    const double lon = m.lonOff + m.lonScale * L, lat = m.latOff + m.latScale * P;
    const bool finite = solved && std::isfinite(lon) && std::isfinite(lat);
    lonLat[2 * i] = finite ? lon : kNaN;
    lonLat[2 * i + 1] = finite ? lat : kNaN;
  }
}

}  // namespace altiplano
