// A convolution's primitive descriptors by one call for oneDNN 2 (Debian 12) and oneDNN 3 (Debian 13), whose own
// differ: version 2 wraps the geometry in an operation descriptor, version 3 takes the engine first and no wrapper.
#ifndef HARDFACE_MODEL_OPS_ONEDNN_CONVOLUTION_H_
#define HARDFACE_MODEL_OPS_ONEDNN_CONVOLUTION_H_

#include <dnnl.hpp>

namespace hardface::model {

// What all three directions of one convolution share.
struct OneDnnConvolution {
  dnnl::algorithm algorithm;
  dnnl::memory::desc in, weights, bias, out;
  dnnl::memory::dims strides, dilation, padding;  // (height, width); padding is the same on both sides
};

inline void AppendRelu(dnnl::post_ops* operations) {
#if DNNL_VERSION_MAJOR >= 3
  operations->append_eltwise(dnnl::algorithm::eltwise_relu, 0.0f, 0.0f);
#else
  operations->append_eltwise(1.0f, dnnl::algorithm::eltwise_relu, 0.0f, 0.0f);
#endif
}

// Like the two below, throws dnnl::error where no kernel supports the geometry.
inline dnnl::convolution_forward::primitive_desc DescribeForward(const OneDnnConvolution& c, dnnl::prop_kind kind,
                                                                 const dnnl::primitive_attr& attributes,
                                                                 const dnnl::engine& engine) {
#if DNNL_VERSION_MAJOR >= 3
  return {engine, kind,      c.algorithm, c.in,      c.weights, c.bias,
          c.out,  c.strides, c.dilation,  c.padding, c.padding, attributes};
#else
  return {{kind, c.algorithm, c.in, c.weights, c.bias, c.out, c.strides, c.dilation, c.padding, c.padding},
          attributes,
          engine};
#endif
}

inline dnnl::convolution_backward_data::primitive_desc DescribeBackwardData(
    const OneDnnConvolution& c, const dnnl::primitive_attr& attributes, const dnnl::engine& engine,
    const dnnl::convolution_forward::primitive_desc& forward) {
#if DNNL_VERSION_MAJOR >= 3
  return {engine,     c.algorithm, c.in,      c.weights, c.out,     c.strides,
          c.dilation, c.padding,   c.padding, forward,   attributes};
#else
  return {
      {c.algorithm, c.in, c.weights, c.out, c.strides, c.dilation, c.padding, c.padding}, attributes, engine, forward};
#endif
}

inline dnnl::convolution_backward_weights::primitive_desc DescribeBackwardWeights(
    const OneDnnConvolution& c, const dnnl::primitive_attr& attributes, const dnnl::engine& engine,
    const dnnl::convolution_forward::primitive_desc& forward) {
#if DNNL_VERSION_MAJOR >= 3
  return {engine,    c.algorithm, c.in,      c.weights, c.bias,  c.out,
          c.strides, c.dilation,  c.padding, c.padding, forward, attributes};
#else
  return {{c.algorithm, c.in, c.weights, c.bias, c.out, c.strides, c.dilation, c.padding, c.padding},
          attributes,
          engine,
          forward};
#endif
}

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_OPS_ONEDNN_CONVOLUTION_H_
