// SPDX-License-Identifier: Apache-2.0
// Unpacking of JavaScript arguments. Only the length of buffers is checked here: meanings and ranges are
// checked once, in lib/*.ts.
#ifndef ALTIPLANO_BINDING_ARGS_H_
#define ALTIPLANO_BINDING_ARGS_H_

#include <napi.h>

#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>

#include "array_pool.h"
#include "image.h"

namespace altiplano::binding {

inline double numberAt(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  if (!value.IsNumber()) throw Napi::TypeError::New(object.Env(), std::string("Expected a number for ") + name);
  return value.As<Napi::Number>().DoubleValue();
}

// Cut to a whole number; throws where that isn't one of 32 bits, as of NaN.
inline int intAt(const Napi::Object& object, const char* name) {
  const double value = numberAt(object, name);
  if (!(value >= std::numeric_limits<int>::min() && value <= std::numeric_limits<int>::max())) {
    throw Napi::RangeError::New(object.Env(), std::string("Expected a number of 32 bits for ") + name);
  }
  return static_cast<int>(value);
}

inline Napi::Object objectAt(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  if (!value.IsObject()) throw Napi::TypeError::New(object.Env(), std::string("Expected an object for ") + name);
  return value.As<Napi::Object>();
}

template <typename T>
constexpr napi_typedarray_type typedArrayTypeOf() {
  if constexpr (std::is_same_v<T, uint8_t>) return napi_uint8_array;
  if constexpr (std::is_same_v<T, int8_t>) return napi_int8_array;
  if constexpr (std::is_same_v<T, uint16_t>) return napi_uint16_array;
  if constexpr (std::is_same_v<T, int16_t>) return napi_int16_array;
  if constexpr (std::is_same_v<T, uint32_t>) return napi_uint32_array;
  if constexpr (std::is_same_v<T, int32_t>) return napi_int32_array;
  if constexpr (std::is_same_v<T, float>) return napi_float32_array;
  if constexpr (std::is_same_v<T, double>) return napi_float64_array;
}

// A typed array of the element type of T with at least `length` elements. T: float, double, uint8_t, …
template <typename T>
T* arrayOf(const Napi::Value& value, size_t length, const char* name) {
  using Array = Napi::TypedArrayOf<T>;
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != typedArrayTypeOf<T>()) {
    throw Napi::TypeError::New(value.Env(), std::string("Expected another typed array for ") + name);
  }
  Array array = value.As<Array>();
  if (array.ElementLength() < length) {
    throw Napi::RangeError::New(value.Env(), std::string("Expected ") + std::to_string(length) + " elements for " +
                                                 name + " but received " + std::to_string(array.ElementLength()));
  }
  return array.Data();
}

template <typename T>
T* arrayAt(const Napi::Object& object, const char* name, size_t length) {
  return arrayOf<T>(object.Get(name), length, name);
}

template <typename T>
ImageView<T> imageAt(const Napi::Object& object, const char* name, int width, int height) {
  // Two negative sides would have a positive product.
  if (width < 0 || height < 0) throw Napi::RangeError::New(object.Env(), std::string("Expected no negative size for ") + name);
  return denseView(arrayAt<T>(object, name, static_cast<size_t>(width) * static_cast<size_t>(height)), width, height);
}

// A new typed array of undefined contents.
template <typename T>
Napi::TypedArrayOf<T> newArray(Napi::Env env, size_t length) {
  return Napi::TypedArrayOf<T>::New(env, length, ArrayPool::of(env).make(env, sizeof(T) * length), 0);
}

}  // namespace altiplano::binding

#endif  // ALTIPLANO_BINDING_ARGS_H_
